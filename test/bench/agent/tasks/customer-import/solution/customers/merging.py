"""Which rows are the same customer."""

from .text import composed


def key_of(row: dict[str, str]) -> tuple[str, ...]:
    if row["email"]:
        return ("email", composed(row["email"]).lower())
    return ("name", composed(row["name"]).lower(), composed(row["city"]).lower())


def merge(known: list[dict[str, str]], new: list[dict[str, str]]) -> list[dict[str, str]]:
    """The known ones first; a new row adds what the known one lacks and overwrites nothing."""
    merged: dict[tuple[str, ...], dict[str, str]] = {}
    for row in [*known, *new]:
        there = merged.setdefault(key_of(row), dict(row))
        for column, value in row.items():
            there[column] = there[column] or value
    return list(merged.values())
