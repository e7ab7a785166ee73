import subprocess
import sys
import tempfile
import unicodedata
import unittest
from pathlib import Path

from customers.merging import merge
from customers.reading import ImportFailed, read_rows
from customers.writing import write_rows

LIST = "email,name,city\n,Zoë Müller,Köln\n"


class Encodings(unittest.TestCase):
    def test_a_byte_order_mark_is_no_part_of_the_first_column(self):
        self.assertEqual(read_rows(b"\xef\xbb\xbf" + LIST.encode()), read_rows(LIST.encode()))

    def test_quoted_headings_behind_a_byte_order_mark(self):
        rows = read_rows(b"\xef\xbb\xbf" + b'"email";"name";"city"\r\n"a@b.c";"A";"B"\r\n')
        self.assertEqual(rows, [{"email": "a@b.c", "name": "A", "city": "B"}])

    def test_windows_1252(self):
        rows = read_rows("email,name,city\n,Zoë “Zo” Müller – 5 €,Köln\n".encode("cp1252"))
        self.assertEqual(rows[0]["name"], "Zoë “Zo” Müller – 5 €")

    def test_bytes_that_windows_1252_does_not_know_are_no_traceback(self):
        try:
            rows = read_rows(b"email,name,city\n,M\xfcller \x81,Bonn\n")
            self.assertTrue(rows[0]["name"].startswith("Müller"))
        except ImportFailed:
            pass

    def test_utf_8_stays_utf_8(self):
        self.assertEqual(read_rows("email,name,city\n,Łukasz Ñandú,東京\n".encode())[0]["name"], "Łukasz Ñandú")

    def test_decomposed_names_are_the_same_customer(self):
        mac = unicodedata.normalize("NFD", LIST)
        merged = merge(read_rows(LIST.encode()), read_rows(mac.encode()))
        self.assertEqual(len(merged), 1)
        merged = merge(read_rows(mac.encode()), read_rows(LIST.encode()))
        self.assertEqual(write_rows(merged).decode(), LIST)

    def test_rows_that_were_never_in_a_file_are_merged_and_written_the_same(self):
        row = {"email": "", "name": unicodedata.normalize("NFD", "Zoë"), "city": "Köln"}
        self.assertEqual(len(merge([row], [{**row, "name": "Zoë"}])), 1)
        self.assertIn("Zoë", write_rows([row]).decode())

    def test_the_command(self):
        with tempfile.TemporaryDirectory() as directory:
            known, new = Path(directory, "known.csv"), Path(directory, "new.csv")
            known.write_bytes(b"\xef\xbb\xbf" + LIST.encode())
            new.write_bytes("email;name;city\n;zoë müller;köln\n".encode("cp1252"))
            done = subprocess.run([sys.executable, "-m", "customers", known, new], capture_output=True, check=True)
        self.assertEqual(done.stdout.decode(), LIST)
