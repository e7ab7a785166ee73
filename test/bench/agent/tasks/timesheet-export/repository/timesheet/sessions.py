"""The sessions of a file."""

from dataclasses import dataclass
from datetime import datetime


class BadLine(Exception):
    pass


@dataclass(frozen=True)
class Session:
    start: datetime
    end: datetime
    project: str

    @property
    def minutes(self) -> int:
        return int((self.end - self.start).total_seconds() // 60)


def parse(text: str, name: str) -> list[Session]:
    sessions = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            start, end, project = line.split()
            session = Session(datetime.fromisoformat(start), datetime.fromisoformat(end), project)
        except ValueError as error:
            raise BadLine(f"{name}:{number}: {error}") from error
        if session.end < session.start:
            raise BadLine(f"{name}:{number}: ends before it starts")
        sessions.append(session)
    return sessions
