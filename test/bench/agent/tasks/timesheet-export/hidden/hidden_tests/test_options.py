import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TEXT = """2026-02-03T09:00 2026-02-03T11:30 website
2026-02-03T13:00 2026-02-03T13:45 taxes
2026-02-03T23:00 2026-02-05T01:00 website
2026-02-05T10:00 2026-02-05T10:45 admin
2026-02-06T00:00 2026-02-06T00:30 night
"""


class Options(unittest.TestCase):
    def report(self, *options, text=TEXT):
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "t.txt")
            file.write_text(text)
            command = [sys.executable, "-m", "timesheet", "report", str(file), *options]
            return subprocess.run(command, capture_output=True, text=True)

    def json(self, *options, **how):
        done = self.report("--json", *options, **how)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_json(self):
        projects = [("website", 1710, 2), ("admin", 45, 1), ("taxes", 45, 1), ("night", 30, 1)]
        self.assertEqual(
            self.json(),
            {
                "from": None,
                "to": None,
                "total_minutes": 1830,
                "projects": [{"name": n, "minutes": m, "entries": e} for n, m, e in projects],
            },
        )

    def test_both_days_are_included_and_sessions_are_cut_at_midnight(self):
        report = self.json("--from", "2026-02-04", "--to", "2026-02-05")
        self.assertEqual((report["from"], report["to"]), ("2026-02-04", "2026-02-05"))
        projects = [("website", 1500, 1), ("admin", 45, 1)]
        self.assertEqual(report["projects"], [{"name": n, "minutes": m, "entries": e} for n, m, e in projects])
        self.assertEqual(report["total_minutes"], 1545)

    def test_one_bound_alone(self):
        self.assertEqual(self.json("--from", "2026-02-06")["total_minutes"], 30)
        self.assertEqual(self.json("--to", "2026-02-03")["total_minutes"], 255)

    def test_a_session_that_ends_at_midnight_is_none_of_the_next_day(self):
        text = "2026-02-03T23:00 2026-02-04T00:00 late\n"
        self.assertEqual(self.json("--from", "2026-02-04", text=text)["projects"], [])

    def test_the_text_report_is_cut_as_well_and_otherwise_the_same(self):
        lines = self.report("--to", "2026-02-03").stdout.splitlines()
        self.assertEqual([line.split() for line in lines], [["website", "3:30"], ["taxes", "0:45"], ["total", "4:15"]])
        self.assertEqual(self.report("--from", "2027-01-01").stdout.split(), ["total", "0:00"])

    def test_wrong_dates(self):
        for options in (["--from", "yesterday"], ["--to", "2026-02-30"], ["--from", "2026-02-05", "--to", "2026-02-04"]):
            done = self.report(*options)
            self.assertEqual((done.returncode, done.stdout), (2, ""), options)
            self.assertNotIn("Traceback", done.stderr)
            self.assertTrue(done.stderr)
