"""python3 -m timesheet report FILE [--from DATE] [--to DATE] [--json]"""

import argparse
import sys
from datetime import date
from pathlib import Path

from .report import as_json, as_text, within
from .sessions import BadLine, parse


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="timesheet")
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="hours by project")
    report.add_argument("file", type=Path)
    report.add_argument("--from", dest="first", type=date.fromisoformat, help="the first day, as 2026-02-03")
    report.add_argument("--to", dest="last", type=date.fromisoformat, help="the last day")
    report.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    first, last = options.first, options.last
    if first and last and last < first:
        parser.error("--to is before --from")
    try:
        sessions = within(parse(options.file.read_text(), str(options.file)), first, last)
    except (BadLine, OSError) as error:
        print(f"timesheet: {error}", file=sys.stderr)
        return 1
    print(as_json(sessions, first, last) if options.json else as_text(sessions))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
