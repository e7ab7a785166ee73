"""python3 -m timesheet report FILE"""

import argparse
import sys
from pathlib import Path

from .report import as_text
from .sessions import BadLine, parse


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="timesheet")
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="hours by project")
    report.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    try:
        sessions = parse(options.file.read_text(), str(options.file))
    except (BadLine, OSError) as error:
        print(f"timesheet: {error}", file=sys.stderr)
        return 1
    print(as_text(sessions))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
