"""From the bytes of a file to rows."""

import csv
import io

COLUMNS = ("email", "name", "city")


class ImportFailed(Exception):
    """The file is not a customer list."""


def read_rows(data: bytes) -> list[dict[str, str]]:
    text = data.decode("utf-8")
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
