#!/usr/bin/env bash
set -u
cd "$(dirname "$0")/.."
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
export MIGRATIONS="$directory/my migrations"
mkdir "$MIGRATIONS"
same() {
  [ "$2" = "$3" ] && return
  printf 'not ok: %s\n  got      %q\n  expected %q\n' "$1" "$2" "$3"
  exit 1
}
migrate() { bash migrate.sh "$@" 2>"$directory/stderr"; echo "[$?]"; }
tables() { sqlite3 "$1" "select group_concat(name) from (select name from sqlite_master where type = 'table' and name like 't%' order by name)"; }

echo 'create table t1 (a);' >"$MIGRATIONS/001-one.sql"
echo "create table t2 (a); insert into t2 values ('it''s');" >"$MIGRATIONS/002-it's.sql"
db="$directory/a b.db"
same 'status before anything' "$(migrate "$db" status)" $'pending 001-one\npending 002-it\'s\n[0]'
same 'up' "$(migrate "$db")" $'applied 001-one\napplied 002-it\'s\n[0]'
same 'up again' "$(migrate "$db" up)" '[0]'
same 'status after it' "$(migrate "$db" status)" $'applied 001-one\napplied 002-it\'s\n[0]'

printf 'create table t3 (a);\ninsert into t3 values (1);\ninsert into nowhere values (1);\ncreate table t4 (a);\n' >"$MIGRATIONS/003-bad.sql"
echo 'create table t5 (a);' >"$MIGRATIONS/004-next.sql"
same 'a failing one stops the run' "$(migrate "$db")" '[1]'
same 'and leaves nothing behind' "$(tables "$db")" 't1,t2'
same 'and is still pending' "$(migrate "$db" status | sed -n 3,4p)" $'pending 003-bad\npending 004-next'
[ -s "$directory/stderr" ] || migrate "$db" >/dev/null
same 'stderr says why' "$([ -s "$directory/stderr" ] && echo yes)" yes
echo 'create table t3 (a);' >"$MIGRATIONS/003-bad.sql"
same 'mended, it goes on' "$(migrate "$db")" $'applied 003-bad\napplied 004-next\n[0]'

echo 'create table t1 (a, b);' >"$MIGRATIONS/001-one.sql"
echo 'create table t6 (a);' >"$MIGRATIONS/005-more.sql"
same 'a changed one stops up before anything' "$(migrate "$db")" '[1]'
same 'nothing ran' "$(tables "$db")" 't1,t2,t3,t5'
same 'status shows it' "$(migrate "$db" status)" $'changed 001-one\napplied 002-it\'s\napplied 003-bad\napplied 004-next\npending 005-more\n[0]'
echo 'create table t1 (a);' >"$MIGRATIONS/001-one.sql"
same 'changed back, it goes on' "$(migrate "$db")" $'applied 005-more\n[0]'

old="$directory/old.db"
sqlite3 "$old" "create table migrations (name text primary key); create table t1 (a); insert into migrations values ('001-one')"
same 'an old database has its state' "$(migrate "$old" status | head -n 2)" $'applied 001-one\npending 002-it\'s'
same 'and goes on from there' "$(migrate "$old" | tail -n 2)" $'applied 005-more\n[0]'
same 'each once' "$(sqlite3 "$old" 'select count(*) from migrations')" 5
same 'no such command' "$(migrate "$old" sideways)" '[2]'
unset MIGRATIONS
same 'our own migrations' "$(migrate "$directory/own.db" | tail -n 1)" '[0]'
