"""Durations as people write them."""

import re

SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}

PATTERN = re.compile(r"\s*".join(rf"(?:(?P<{unit}>[0-9]+)\s*{unit})?" for unit in SECONDS))


def parse_duration(text: str) -> int:
    """Seconds; ValueError when it is no duration."""
    match = PATTERN.fullmatch(text.strip())
    if not match or not any(match.groups()):
        raise ValueError(f"not a duration: {text!r}")
    return sum(int(number) * SECONDS[unit] for unit, number in match.groupdict("0").items())
