#!/usr/bin/env bash
set -euo pipefail

db=${1:?usage: migrate.sh DB [up]}
command=${2:-up}
migrations=${MIGRATIONS:-$(dirname "$0")/migrations}

sql() { sqlite3 -batch "$db" "$@"; }

up() {
  sql 'create table if not exists migrations (name text primary key)'
  local file name
  for file in "$migrations"/*.sql; do
    name=$(basename "$file" .sql)
    [ "$(sql "select count(*) from migrations where name = '$name'")" = 0 ] || continue
    sql <"$file"
    sql "insert into migrations (name) values ('$name')"
    echo "applied $name"
  done
}

case $command in
  up) up ;;
  *)
    echo "migrate.sh: no such command: $command" >&2
    exit 2
    ;;
esac
