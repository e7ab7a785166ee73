import csv
import unittest
from pathlib import Path

from shipping import TARIFF, price

SHEET = Path(__file__).parent.parent / "docs" / "tariffs-2026.csv"


class Prices(unittest.TestCase):
    def test_they_are_those_of_the_sheet(self):
        with SHEET.open() as file:
            rows = [(row["zone"], int(row["up_to_grams"]), int(row["cents"])) for row in csv.DictReader(file)]
        self.assertEqual(rows, [(zone, *step) for zone, steps in TARIFF.items() for step in steps])

    def test_a_parcel(self):
        self.assertEqual([price("europe", 1000), price("europe", 1001)], [1290, 1790])
        with self.assertRaises(ValueError):
            price("world", 5001)
