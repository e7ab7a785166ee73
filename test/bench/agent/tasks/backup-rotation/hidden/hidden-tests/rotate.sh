#!/usr/bin/env bash
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
fresh() { directory="$root/my  backups/$1"; mkdir -p "$directory"; cd "$directory" || exit 1; }
rotate() { (cd "$root" && bash "$here/bin/rotate.sh" "$@"); }
same() {
  [ "$2" = "$3" ] && return
  printf 'not ok: %s\n  got      %q\n  expected %q\n' "$1" "$2" "$3"
  exit 1
}
left() { (cd "$directory" && LC_ALL=C; printf '%s|' * .[!.]* ); }

fresh plain; touch db-2026-01-0{1,2,3,4}.tar
same 'keeps as many as it was told' "$(rotate "$directory" 3)" 'deleted: db-2026-01-01.tar'
same 'the three newest are left' "$(left)" 'db-2026-01-02.tar|db-2026-01-03.tar|db-2026-01-04.tar|.[!.]*|'

fresh 'odd names'; touch -- '-old 2026-01-01.tar' 'a b 2026-01-02.tar' 'a' 'b' '* 2026-01-03.tar' $'new\nline 2026-01-04.tar' '.hidden 2026-01-05.tar'
same 'odd names are told' "$(rotate "$directory" 2)" $'deleted: -old 2026-01-01.tar\ndeleted: a b 2026-01-02.tar\ndeleted: * 2026-01-03.tar'
same 'and nothing else has gone' "$(left)" $'a|b|new\nline 2026-01-04.tar|.hidden 2026-01-05.tar|'

fresh kinds; mkdir 'dir-2025-01-01.tar'; ln -s nowhere 'link-2025-01-01.tar'; touch x-2025-01-01.tar.gz x-2025-01-01xtar y-2026-01-01.tar z-2026-01-01.tar x-2026-01-02.tar
same 'only regular files whose names end so' "$(rotate "$directory" 1)" $'deleted: y-2026-01-01.tar\ndeleted: z-2026-01-01.tar'
same 'kinds' "$(left)" 'dir-2025-01-01.tar|link-2025-01-01.tar|x-2025-01-01.tar.gz|x-2025-01-01xtar|x-2026-01-02.tar|.[!.]*|'

fresh dry; touch b-2026-01-01.tar a-2026-02-01.tar
same 'dry run' "$(rotate "$directory" 1 --dry-run)" 'deleted: b-2026-01-01.tar'
same 'dry run deletes nothing' "$(left)" 'a-2026-02-01.tar|b-2026-01-01.tar|.[!.]*|'
same 'more than there are' "$(rotate "$directory" 5)" ''
for keep in 0 -1 3x '' '1 2' 1.5; do
  rotate "$directory" "$keep" >/dev/null 2>&1
  same "KEEP «$keep» is refused" $? 2
done
same 'refused: nothing deleted' "$(left)" 'a-2026-02-01.tar|b-2026-01-01.tar|.[!.]*|'
cd "$root" && touch here-2020-01-01.tar here-2020-01-02.tar here-2020-01-03.tar
rotate "$root/missing" 1 >/dev/null 2>&1
same 'a directory that is not there is an error' "$([ $? -ne 0 ] && echo error)" error
same 'and the current one is left alone' "$(ls "$root" | grep -c here)" 3
echo 'hidden: all tests pass'
