#!/usr/bin/env bash
set -u
check() {
  local got
  got=$(printf '%b' "$3" | ./csvcut "$2" 2>/tmp/csvcut-stderr; echo "[$?]")
  [ "$got" = "$(printf '%b' "$4")" ] && return
  printf 'not ok: %s: got %q\n' "$1" "$got"
  exit 1
}
fails() {
  check "$1" 1 "$2" "$3[1]"
  grep -q "^csvcut: line $4: ." /tmp/csvcut-stderr && return
  printf 'not ok: %s: stderr %q\n' "$1" "$(cat /tmp/csvcut-stderr)"
  exit 1
}
check 'as before' 3,1 'a,b,c\nd,e,f\n' 'c,a\nf,d\n[0]'
check 'as before, CR' 1 'a,b\r\nc,d' 'a\nc\n[0]'
check 'an empty line' 1 'a\n\nb\n' 'a\n\nb\n[0]'
check 'commas' 2,1 '"a,b",c\n' 'c,"a,b"\n[0]'
check 'doubled quotes' 1 '"say ""hi""",x\n' '"say ""hi"""\n[0]'
check 'line breaks' 1,2 '"a\nb","c\n\nd"\ne,f\n' '"a\nb","c\n\nd"\ne,f\n[0]'
check 'CR LF inside quotes stays' 1 '"a\r\nb",c\r\n' '"a\r\nb"\n[0]'
check 'only where needed' 1,2 '"a","b c"\n' 'a,b c\n[0]'
check 'empty in quotes' 1,2 '"",""\n' ',\n[0]'
check 'a closed quote at the end of the file' 2 'x,"y"' 'y\n[0]'
fails 'never closed' 'a,b\n"c,d\ne\n' 'a\n' 2
fails 'text behind a quote' '"a\nb",x\n"c"d\n' '"a\nb"\n' 3
long=$(printf 'x%.0s' $(seq 1 5000))
check 'long fields' 1 "\"$long,\n$long\"\n" "\"$long,\n$long\"\n[0]"
echo 'hidden: all tests pass'
