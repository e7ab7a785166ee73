"""python3 -m customers KNOWN NEW"""

import sys
from pathlib import Path

from .merging import merge
from .reading import ImportFailed, read_rows
from .writing import write_rows


def main(known: str, new: str) -> int:
    try:
        merged = merge(read_rows(Path(known).read_bytes()), read_rows(Path(new).read_bytes()))
    except ImportFailed as failure:
        print(f"customers: {failure}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(write_rows(merged))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
