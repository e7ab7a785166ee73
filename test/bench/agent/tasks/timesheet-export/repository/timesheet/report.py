"""What the sessions add up to."""

from .sessions import Session


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
