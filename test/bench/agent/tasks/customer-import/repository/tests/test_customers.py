import unittest

from customers.merging import merge
from customers.reading import ImportFailed, read_rows
from customers.writing import write_rows


class Customers(unittest.TestCase):
    def test_columns_come_in_any_order_and_with_semicolons(self):
        rows = read_rows("Name;City;Email\nAnna;Köln;a@example.com\n\n;;\n".encode())
        self.assertEqual(rows, [{"email": "a@example.com", "name": "Anna", "city": "Köln"}])

    def test_a_file_without_addresses_is_refused(self):
        with self.assertRaisesRegex(ImportFailed, "column missing: email"):
            read_rows(b"name,city\nAnna,Bonn\n")

    def test_the_same_address_is_the_same_customer(self):
        known = [{"email": "A@example.com", "name": "Anna", "city": ""}]
        new = [{"email": "a@example.com", "name": "Anne", "city": "Bonn"}]
        merged = merge(known, new)
        self.assertEqual(merged, [{"email": "A@example.com", "name": "Anna", "city": "Bonn"}])
        self.assertEqual(write_rows(merged), b"email,name,city\nA@example.com,Anna,Bonn\n")
