import unittest

from timesheet.report import as_text
from timesheet.sessions import BadLine, parse

TEXT = """
2026-02-03T09:00 2026-02-03T11:30 website
# lunch
2026-02-03T13:00 2026-02-03T13:45 taxes
2026-02-03T23:00 2026-02-04T01:00 website
"""


class Report(unittest.TestCase):
    def test_projects_the_longest_first(self):
        self.assertEqual(as_text(parse(TEXT, "t")), "website    4:30\ntaxes      0:45\ntotal      5:15")

    def test_a_bad_line_is_named(self):
        with self.assertRaisesRegex(BadLine, "^t:2: ends before"):
            parse("\n2026-02-03T09:00 2026-02-03T08:00 x", "t")
