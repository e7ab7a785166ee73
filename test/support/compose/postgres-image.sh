#!/usr/bin/env bash
# Prints the image of PostgreSQL to test docker-compose.yml with: the official one that it names, or, on a machine that
# reaches no image registry, a stand-in from Debian's package. What is there already costs a look only.
set -euo pipefail

readonly STAND_IN=tiny-backspace/test-postgres:latest
readonly SOURCE_LABEL=io.tiny-backspace.source
readonly REACH_MAX_S=20
readonly PULL_MAX_S=300

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

main() {
  local official wanted
  official=$(sed -n 's/^ *image: \(postgres:.*\)$/\1/p' "$here/../../../docker-compose.yml")
  wanted=$(source_hash)
  if is_there "$official"; then
    printf '%s\n' "$official"
  elif [ "$(source_of "$STAND_IN")" = "$wanted" ]; then
    printf '%s\n' "$STAND_IN"
  elif pull "$official"; then
    printf '%s\n' "$official"
  else
    say "$official cannot be pulled here; building a stand-in from Debian's package"
    # In some networks a container of the builder's bridge cannot resolve names, although the host can.
    build "$wanted" || build "$wanted" --network=host
    printf '%s\n' "$STAND_IN"
  fi
}

say() { printf 'postgres: %s\n' "$*" >&2; }

is_there() { docker image inspect "$1" >/dev/null 2>&1; }

source_of() { docker image inspect --format "{{index .Config.Labels \"$SOURCE_LABEL\"}}" "$1" 2>/dev/null || true; }

source_hash() { (cd "$here/postgres" && sha256sum Dockerfile entrypoint.sh | sha256sum | cut -d ' ' -f 1); }

# Without a route to the registry, a pull may hang in name resolution: whether there is one is asked first.
pull() { timeout "$REACH_MAX_S" docker manifest inspect "$1" >/dev/null 2>&1 && timeout "$PULL_MAX_S" docker pull --quiet "$1" >&2; }

build() {
  local hash=$1
  shift
  docker build --quiet "$@" --label "$SOURCE_LABEL=$hash" --tag "$STAND_IN" "$here/postgres" >&2
}

main
