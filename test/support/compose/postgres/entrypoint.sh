#!/usr/bin/env bash
# Begins a cluster as the official image does it, and starts PostgreSQL: with a server of its own that listens at the
# socket alone, so that whoever looks there for PostgreSQL finds it too early, and loses it again.
set -euo pipefail

readonly USER_NAME=${POSTGRES_USER:-postgres}
readonly DATABASE=${POSTGRES_DB:-$USER_NAME}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo 'Error: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust.' >&2
    exit 1
  fi
  chmod 0700 "$PGDATA"
  initdb --username="$USER_NAME" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-unused}") --encoding=UTF8 --no-locale
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
  pg_ctl --wait --options="-c listen_addresses=''" start
  if [ "$DATABASE" != postgres ]; then createdb --username="$USER_NAME" --no-password --maintenance-db=postgres "$DATABASE"; fi
  pg_ctl --wait --mode=fast stop
fi
exec "$@"
