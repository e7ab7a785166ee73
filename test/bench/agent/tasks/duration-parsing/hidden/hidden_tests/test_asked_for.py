import unittest
from pathlib import Path

from durations import parse_duration


class AskedFor(unittest.TestCase):
    def test_it_does_what_was_asked_for(self):
        self.assertEqual(parse_duration("1d 2h30m"), 95_400)
        for text in ("5", "h", "1h1h", "-2m"):
            with self.subTest(text), self.assertRaises(ValueError):
                parse_duration(text)

    def test_readme_and_tests_say_so(self):
        for file in ("README.md", "tests/test_parsing.py"):
            text = Path(file).read_text()
            self.assertEqual([part for part in ("1d 2h30m", "1h1h", "-2m") if part not in text], [], file)
