#!/usr/bin/env bash
# check NAME COLUMNS INPUT EXPECTED
set -u
failed=0
check() {
  local got
  got=$(printf '%b' "$3" | ./csvcut "$2"; echo "[$?]")
  [ "$got" = "$(printf '%b' "$4")" ] && return
  printf 'not ok: %s: got %q\n' "$1" "$got"
  failed=1
}
check 'columns in another order' 3,1 'a,b,c\nd,e,f\n' 'c,a\nf,d\n[0]'
check 'a missing column is empty' 2,2 'a\n' ',\n[0]'
check 'CR and no last LF' 1 'a,b\r\nc,d' 'a\nc\n[0]'
[ $failed = 0 ] && echo 'csvcut: all tests pass'
exit $failed
