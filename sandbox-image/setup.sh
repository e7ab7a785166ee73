#!/usr/bin/env bash
# Brings a fresh clone to the state that `npm run demo` and `npm test` need, with nothing but Node and npm
# installed: npm dependencies, Docker Engine with gVisor, the base image, the sandbox image and Docker Compose.
# What is there already costs a look only, so it may run before every command.
set -euo pipefail

readonly IMAGE=tiny-backspace/sandbox:latest
readonly BASE_IMAGE=node:24-bookworm-slim
readonly SOURCE_LABEL=io.tiny-backspace.source
readonly LOCK_WAIT_S=900

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
export PATH="$root/node_modules/.bin:$PATH"

main() {
  wait_for_other_run
  step 'npm dependencies' npm_dependencies
  step 'Docker, gVisor and Compose' bash "$here/setup-host.sh"
  step 'base image' bash "$here/base-image.sh"
  step 'sandbox image' sandbox_image
}

say() { printf 'setup: %s\n' "$*"; }

die() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}

# What a step says goes to the terminal as it comes; its own line, with the seconds, closes it.
step() {
  local name=$1 started=$EPOCHREALTIME
  shift
  "$@"
  say "$name: ready ($(node -p "((${EPOCHREALTIME/,/.} - ${started/,/.})).toFixed(1)") s)"
}

# The lock is one for the machine, because Docker and its image names are, whatever the number of checkouts.
wait_for_other_run() {
  local lock=/tmp/tiny-backspace-setup.lock
  # Created for everyone and never removed; opened for reading, since /tmp may forbid writing to another user's file.
  [ -e "$lock" ] || (umask 0; : >>"$lock") || true
  exec 9<"$lock"
  if flock --nonblock 9; then return; fi
  say "another set-up is running; waiting for it"
  flock --timeout "$LOCK_WAIT_S" 9 || die "the other set-up did not end within $LOCK_WAIT_S s."
}

npm_dependencies() {
  local stamp=$root/node_modules/.tiny-backspace-lock-sha256 wanted
  wanted=$(sha256sum "$root/package-lock.json" | cut -d ' ' -f 1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  if [ -f "$root/node_modules/.package-lock.json" ] && lock_is_installed; then
    printf '%s\n' "$wanted" >"$stamp"
    return
  fi
  say 'npm ci: node_modules is missing or older than package-lock.json'
  npm ci --prefix "$root" --no-audit --no-fund --loglevel=error
  printf '%s\n' "$wanted" >"$stamp"
}

# npm's own record of what it installed, compared package by package: somebody who ran `npm ci` needs no second one.
lock_is_installed() {
  node --input-type=module - "$root" <<'JS'
import { readFileSync } from 'node:fs'
const root = process.argv[2]
const read = (name) => JSON.parse(readFileSync(`${root}/${name}`, 'utf8')).packages
const wanted = read('package-lock.json')
const installed = read('node_modules/.package-lock.json')
const missing = Object.entries(wanted).filter(
  ([path, entry]) => path !== '' && entry.optional !== true && installed[path]?.version !== entry.version,
)
process.exit(missing.length === 0 ? 0 : 1)
JS
}

sandbox_image() {
  local wanted present
  wanted=$(source_hash)
  present=$(docker image inspect --format "{{index .Config.Labels \"$SOURCE_LABEL\"}}" "$IMAGE" 2>/dev/null || true)
  if [ "$present" = "$wanted" ]; then return; fi
  say "building $IMAGE (the first time takes a minute or two)"
  build_image "$wanted" && return
  # In some networks a container of the builder's bridge cannot resolve names, although the host can.
  say 'the build failed; trying once more with the network of the host (for this build only)'
  build_image "$wanted" --network=host || die "docker build of $IMAGE failed, see above."
}

# The base image's id belongs to it: after `docker pull` of a newer one, or of the official one in place of a local
# stand-in, the sandbox image is built anew.
source_hash() {
  {
    docker image inspect --format '{{.Id}}' "$BASE_IMAGE"
    cd "$here"
    find Dockerfile .dockerignore toolbox -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -d ' ' -f 1
}

build_image() {
  local hash=$1 log exit_code=0
  shift
  log=$(mktemp)
  docker build "$@" --label "$SOURCE_LABEL=$hash" --tag "$IMAGE" "$here" >"$log" 2>&1 9<&- || exit_code=$?
  [ "$exit_code" -eq 0 ] || tail -n 25 "$log" >&2
  rm -f "$log"
  return "$exit_code"
}

main
