#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
db=$directory/test.db
[ "$(bash migrate.sh "$db" | wc -l)" = 3 ]
[ -z "$(bash migrate.sh "$db" up)" ]
sqlite3 "$db" "insert into customers (name) values ('Ann'); insert into orders (customer_id, cents) values (1, 250), (1, 50)"
[ "$(sqlite3 "$db" 'select cents from totals')" = 300 ]
echo 'migrate: all tests pass'
