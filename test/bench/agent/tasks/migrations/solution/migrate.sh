#!/usr/bin/env bash
set -euo pipefail

db=${1:?usage: migrate.sh DB [up|status]}
command=${2:-up}
migrations=${MIGRATIONS:-$(dirname "$0")/migrations}

sql() { sqlite3 -batch -bail "$db" "$@"; }

name_of() {
  local name=${1##*/}
  printf '%s' "${name%.sql}"
}

# Databases from before the hashes get the column; what they have applied counts as unchanged.
prepare() {
  sql 'create table if not exists migrations (name text primary key, hash text)'
  local columns
  columns=$(sql "select count(*) from pragma_table_info('migrations') where name = 'hash'")
  [ "$columns" = 1 ] || sql 'alter table migrations add column hash text'
}

# What there is, in order: the files, their hashes, and the state of each, which is applied, pending or changed.
look() {
  files=("$migrations"/*.sql)
  mapfile -t hashes < <(sha256sum "${files[@]}" | cut -c -64)
  states=()
  local name hash index
  declare -A recorded=()
  while IFS=$'\t' read -r name hash; do
    recorded[$name]=$hash
  done < <(sql -separator $'\t' "select name, ifnull(hash, 'unknown') from migrations")
  for index in "${!files[@]}"; do
    case ${recorded[$(name_of "${files[index]}")]:-} in
      '') states+=(pending) ;;
      unknown | "${hashes[index]}") states+=(applied) ;;
      *) states+=(changed) ;;
    esac
  done
}

status() {
  local index
  for index in "${!files[@]}"; do
    echo "${states[index]} $(name_of "${files[index]}")"
  done
}

up() {
  local index name
  for index in "${!files[@]}"; do
    [ "${states[index]}" != changed ] || fail "$(name_of "${files[index]}") was changed after it had been applied"
  done
  for index in "${!files[@]}"; do
    [ "${states[index]}" = pending ] || continue
    name=$(name_of "${files[index]}")
    {
      echo 'begin;'
      cat "${files[index]}"
      echo
      echo "insert into migrations (name, hash) values ('${name//\'/\'\'}', '${hashes[index]}');"
      echo 'commit;'
    } | sql || fail "$name failed, and nothing of it was kept"
    echo "applied $name"
  done
}

fail() {
  echo "migrate.sh: $*" >&2
  exit 1
}

case $command in
  up) prepare; look; up ;;
  status) prepare; look; status ;;
  *)
    echo "migrate.sh: no such command: $command" >&2
    exit 2
    ;;
esac
