#!/usr/bin/env bash
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
touch "$directory"/db-2026-01-0{1,2,3,4}.tar "$directory/notes.txt"
bash "$here/bin/rotate.sh" "$directory" 3 >/dev/null
[ -e "$directory/notes.txt" ]
[ ! -e "$directory/db-2026-01-01.tar" ]
[ -e "$directory/db-2026-01-04.tar" ]
if bash "$here/bin/rotate.sh" "$directory" many 2>/dev/null; then exit 1; fi
echo 'rotate: all tests pass'
