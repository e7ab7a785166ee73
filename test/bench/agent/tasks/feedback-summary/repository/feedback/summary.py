import json
from dataclasses import dataclass


@dataclass
class Summary:
    comments: int
    ratings: list[int]

    @property
    def mean(self) -> str:
        return f"{sum(self.ratings) / len(self.ratings):.1f}" if self.ratings else "-"


def summarize(lines) -> Summary:
    summary = Summary(0, [])
    for line in lines:
        entry = json.loads(line)
        if entry["comment"]:
            summary.comments += 1
        summary.ratings.append(entry["rating"])
    return summary
