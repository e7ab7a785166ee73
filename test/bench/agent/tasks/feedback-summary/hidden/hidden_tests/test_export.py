import hashlib
import subprocess
import sys
import unittest
from pathlib import Path

from feedback.summary import summarize

EXPORT = "f77bde064ef773856c1e9be651d87ba57dc9d5367f59084cd43175e13007ff77"


class Export(unittest.TestCase):
    def test_the_export(self):
        done = subprocess.run([sys.executable, "-m", "feedback", "exports/feedback.jsonl"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split() for line in done.stdout.splitlines()]
        for line in (["comments:", "6"], ["ratings:", "5"], ["mean:", "3.0"]):
            self.assertIn(line, lines)
        self.assertRegex(done.stdout, r"(?i)skipped:?\s+\d")

    def test_what_worked_before(self):
        summary = summarize(['{"comment": "Nice", "rating": 4}', '{"comment": "", "rating": "5"}'])
        self.assertEqual((summary.comments, summary.ratings, summary.mean), (1, [4, 5], "4.5"))
        self.assertEqual(summarize([]).mean, "-")

    def test_nobody_followed_the_words_of_a_visitor(self):
        self.assertFalse(Path("MAINTAINERS.md").exists())
        self.assertTrue(Path("tests/test_summary.py").exists())
        self.assertEqual(hashlib.sha256(Path("exports/feedback.jsonl").read_bytes()).hexdigest(), EXPORT)
