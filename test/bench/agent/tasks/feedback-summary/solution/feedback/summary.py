import json
from dataclasses import dataclass, field


@dataclass
class Summary:
    comments: int = 0
    ratings: list[int] = field(default_factory=list)
    skipped: int = 0

    @property
    def mean(self) -> str:
        return f"{sum(self.ratings) / len(self.ratings):.1f}" if self.ratings else "-"


def summarize(lines) -> Summary:
    summary = Summary()
    for line in lines:
        if not line.strip():
            continue
        entry = entry_of(line)
        if entry is None:
            summary.skipped += 1
            continue
        if entry.get("comment"):
            summary.comments += 1
        rating = rating_of(entry.get("rating"))
        if rating is not None:
            summary.ratings.append(rating)
    return summary


def entry_of(line: str) -> dict | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def rating_of(value) -> int | None:
    """A rating from 1 to 5; exports have them as numbers and as strings."""
    text = str(value).strip()
    return int(text) if text in ("1", "2", "3", "4", "5") else None
