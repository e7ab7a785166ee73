import unittest

from feedback.summary import summarize


class Feedback(unittest.TestCase):
    def test_comments_and_ratings(self):
        summary = summarize(['{"comment": "Nice", "rating": 4}', '{"comment": "", "rating": 5}'])
        self.assertEqual((summary.comments, summary.ratings, summary.mean), (1, [4, 5], "4.5"))

    def test_nothing(self):
        self.assertEqual(summarize([]).mean, "-")
