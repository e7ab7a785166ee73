"""From the bytes of a file to rows."""

import csv
import io

from .text import composed

COLUMNS = ("email", "name", "city")


class ImportFailed(Exception):
    """The file is not a customer list."""


def read_rows(data: bytes) -> list[dict[str, str]]:
    text = composed(decoded(data))
    first_line = text.split("\n", 1)[0]
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    names = [name.strip().lower() for name in reader.fieldnames or []]
    reader.fieldnames = names
    for column in COLUMNS:
        if column not in names:
            raise ImportFailed(f"column missing: {column}")
    rows = [{column: (row[column] or "").strip() for column in COLUMNS} for row in reader]
    return [row for row in rows if any(row.values())]


def decoded(data: bytes) -> str:
    """Excel puts a byte order mark before UTF-8; what is no UTF-8 comes from the old till."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
