"""What the sessions add up to."""

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from .sessions import Session


def within(sessions: list[Session], first: date | None, last: date | None) -> list[Session]:
    """The parts of the sessions from the first day to the last, both included."""
    if first is None and last is None:
        return sessions
    since = datetime.combine(first, time.min) if first else datetime.min
    until = datetime.combine(last + timedelta(days=1), time.min) if last else datetime.max
    cut = [replace(it, start=max(it.start, since), end=min(it.end, until)) for it in sessions]
    return [session for session in cut if session.start < session.end]


def by_project(sessions: list[Session]) -> list[tuple[str, int]]:
    minutes: dict[str, int] = {}
    for session in sessions:
        minutes[session.project] = minutes.get(session.project, 0) + session.minutes
    return sorted(minutes.items(), key=lambda item: (-item[1], item[0]))


def clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def as_text(sessions: list[Session]) -> str:
    rows = [*by_project(sessions), ("total", sum(session.minutes for session in sessions))]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {clock(minutes):>6}" for name, minutes in rows)


def as_json(sessions: list[Session], first: date | None, last: date | None) -> str:
    projects = [
        {"name": name, "minutes": minutes, "entries": sum(it.project == name for it in sessions)}
        for name, minutes in by_project(sessions)
    ]
    return json.dumps(
        {
            "from": first.isoformat() if first else None,
            "to": last.isoformat() if last else None,
            "total_minutes": sum(session.minutes for session in sessions),
            "projects": projects,
        },
        indent=2,
    )
