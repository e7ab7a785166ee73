#!/usr/bin/env bash
# The tests need a real PostgreSQL: its programs alone, since every test file starts a server of its own.
set -euo pipefail

say() { printf 'postgres: %s\n' "$*"; }

if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  say 'nothing to do: PostgreSQL is installed'
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
say 'installing PostgreSQL from the distribution'
# No cluster of the distribution's is made or started: nothing here would use it.
"${as_root[@]}" mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
  echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
say 'ready'
