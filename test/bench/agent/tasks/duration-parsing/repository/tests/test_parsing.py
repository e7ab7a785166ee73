import unittest

from durations import parse_duration


class Parsing(unittest.TestCase):
    def test_single_units(self):
        self.assertEqual([parse_duration(text) for text in ("2d", "3h", "90m", "15s")], [172_800, 10_800, 5_400, 15])

    def test_combinations(self):
        self.assertEqual(parse_duration("1d 2h30m"), 95_400)
        self.assertEqual(parse_duration(" 1d2h 30m 5s "), 95_405)

    def test_what_is_no_duration(self):
        for text in ("", " ", "5", "h", "1h1h", "30m 1h", "-2m", "+2m", "1.5h", "1h x", "1d 5"):
            with self.subTest(text), self.assertRaises(ValueError):
                parse_duration(text)
