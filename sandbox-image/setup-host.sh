#!/usr/bin/env bash
# Prepares a Debian or Ubuntu host for sandboxes: Docker Engine, iptables, gVisor's runsc, the Docker runtime
# `runsc-backspace`, and Docker Compose. Whatever is there already is used as it is; running it again changes nothing.
set -euo pipefail

readonly RUNTIME=runsc-backspace
readonly DAEMON_JSON=/etc/docker/daemon.json
readonly DOCKERD_LOG=/var/log/dockerd.log
readonly ENGINE_WAIT_S=60
# Older releases refuse statx's AT_NO_AUTOMOUNT, so `ls` and `stat` of Debian 12 say «Invalid argument» inside.
readonly GVISOR_OLDEST=20240701
readonly GVISOR_REACH_S=6
readonly GVISOR_KEY_URL=https://gvisor.dev/archive.key
readonly GVISOR_REPOSITORY=https://storage.googleapis.com/gvisor/releases
readonly GVISOR_KEY=/usr/share/keyrings/gvisor-archive-keyring.asc
readonly GVISOR_LIST=/etc/apt/sources.list.d/gvisor.list

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
apt_is_fresh=no

main() {
  prepare_engine
  # Where it cannot be had it says so itself, and everything but docker-compose.yml works without.
  bash "$here/compose-plugin.sh"
}

prepare_engine() {
  if engine_elsewhere; then return; fi
  if gvisor_is_new_enough && runtime_is_ready; then
    say "nothing to do: Docker lists the runtime $RUNTIME"
    return
  fi
  if [ "$(id -u)" -ne 0 ]; then
    run_again_as_root
    return
  fi
  check_machine
  ensure_engine_packages
  ensure_gvisor
  register_runtime
  ensure_engine_runs
  ensure_runtime_is_loaded
}

say() { printf 'host: %s\n' "$*"; }

die() {
  printf 'host: error: %s\n' "$*" >&2
  exit 1
}

# Only the engine whose daemon.json lies on this machine can be prepared; one elsewhere (DOCKER_HOST, a Docker
# context) is looked at and left alone.
engine_elsewhere() {
  local endpoint=${DOCKER_HOST:-}
  if ! have docker; then
    [ -z "$endpoint" ] || die "DOCKER_HOST is set to $endpoint, but the docker client is missing. Install it (docker-cli), or unset DOCKER_HOST to get an engine on this machine."
    return 1
  fi
  [ -n "$endpoint" ] || endpoint=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true)
  case "$endpoint" in
    '' | unix:///var/run/docker.sock | unix:///run/docker.sock) return 1 ;;
  esac
  [[ "$(loaded_runtime)" = *' [--network=none]' ]] || die "the engine at $endpoint does not answer or does not list the runtime $RUNTIME with --network=none, and nothing is installed here because Docker points there. Run this script on its machine, or unset DOCKER_HOST and do \`docker context use default\`."
  say "nothing to do: the engine at $endpoint lists the runtime $RUNTIME; nothing is installed on this machine"
}

have() { command -v "$1" >/dev/null 2>&1; }

engine_answers() { have docker && timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# The loaded arguments count, not the file: a sandbox must never start with a network because of an old entry.
runtime_is_ready() { have runsc && [ "$(loaded_runtime)" = "$(command -v runsc) [--network=none]" ]; }

# «PATH [ARGUMENTS]»; for a runtime that the engine does not know, both are empty: « []».
loaded_runtime() {
  have docker || return 0
  timeout 10 docker info --format "{{with index .Runtimes \"$RUNTIME\"}}{{.Path}} {{.Args}}{{end}}" 2>/dev/null || true
}

run_again_as_root() {
  have sudo || die "this needs root, and sudo is missing. Run it as root: bash $here/setup-host.sh"
  say "root is needed for what is missing: continuing with sudo"
  # sudo resets PATH, and Node may be installed for this user only.
  sudo env "PATH=$PATH" bash "$here/setup-host.sh"
  engine_answers || die "Docker runs, but $(id -un) may not use it. Do \`sudo usermod -aG docker $(id -un)\` (this makes the account as powerful as root), log in again, and repeat."
}

check_machine() {
  have node || die "Node.js is missing in PATH. Install Node 24 (or run \`npm ci\` and use npm's scripts), then repeat."
  case "$(uname -s)/$(uname -m)" in
    Linux/x86_64 | Linux/aarch64) ;;
    *) die "gVisor runs on Linux on x86_64 or arm64 only; this is $(uname -s) on $(uname -m). Use DOCKER_HOST to point at such a machine." ;;
  esac
  have apt-get || engine_and_gvisor_are_there || die "apt-get is missing: this is not Debian or Ubuntu. Install Docker Engine and gVisor (runsc) by hand, then repeat."
}

engine_and_gvisor_are_there() { have dockerd && have docker && have runsc; }

ensure_engine_packages() {
  if engine_answers; then
    say "nothing to do: Docker Engine $(docker version --format '{{.Server.Version}}') answers"
    return
  fi
  local packages=()
  have dockerd || packages+=(docker.io)
  have iptables || packages+=(iptables)
  # Debian 13 packages the client apart from the engine, older releases do not know that package.
  if ! have docker && apt-cache show docker-cli >/dev/null 2>&1; then packages+=(docker-cli); fi
  if [ ${#packages[@]} -eq 0 ]; then
    say "nothing to do: Docker Engine is installed"
    return
  fi
  say "installing ${packages[*]} (apt)"
  apt_install "${packages[@]}" || die "apt could not install ${packages[*]}. Run \`apt-get install ${packages[*]}\` by hand to see why."
}

ensure_gvisor() {
  if gvisor_is_new_enough; then
    say "nothing to do: $(gvisor_version) is installed"
    return
  fi
  if have runsc && ! dpkg --search "$(command -v runsc)" >/dev/null 2>&1; then
    die "$(command -v runsc) is $(gvisor_version), older than $GVISOR_OLDEST, and no package that apt could renew. Replace it by hand, then repeat."
  fi
  install_newest_gvisor || install_gvisor_from_backports || install_gvisor_of_distribution
  hash -r
  say "installed $(gvisor_version)"
  gvisor_is_new_enough || say "warning: it is older than $GVISOR_OLDEST; commands such as ls fail inside. Install a newer runsc by hand (https://gvisor.dev/docs/user_guide/install/)."
}

gvisor_version() { runsc --version | head -n 1; }

# Both kinds of versions hold their date: «release-20250707.0», «0.0~20221219.0».
gvisor_is_new_enough() {
  have runsc || return 1
  [[ $(gvisor_version) =~ [0-9]{8} ]] && [ "${BASH_REMATCH[0]}" -ge "$GVISOR_OLDEST" ]
}

# gVisor's releases start sandboxes faster than those in distributions. All that this adds is taken away again
# when the repository cannot be reached or used, so that a later `apt-get update` does not fail because of us.
install_newest_gvisor() {
  local reach=(-o "Acquire::https::Timeout=$GVISOR_REACH_S" -o Acquire::Retries=0)
  timeout "$GVISOR_REACH_S" /usr/lib/apt/apt-helper "${reach[@]}" download-file "$GVISOR_KEY_URL" "$GVISOR_KEY" >/dev/null 2>&1 || { rm -f "$GVISOR_KEY"; return 1; }
  chmod 0644 "$GVISOR_KEY"
  printf 'deb [arch=%s signed-by=%s] %s release main\n' "$(dpkg --print-architecture)" "$GVISOR_KEY" "$GVISOR_REPOSITORY" >"$GVISOR_LIST"
  # Only this one list is read: the others keep what they have.
  if timeout 60 apt-get update -qq "${reach[@]}" -o "Dir::Etc::SourceList=$GVISOR_LIST" -o Dir::Etc::SourceParts=/dev/null -o APT::Get::List-Cleanup=0 >/dev/null 2>&1; then
    say "added gVisor's package repository ($GVISOR_LIST); installing runsc (apt)"
    if apt_install runsc; then return 0; fi
  fi
  rm -f "$GVISOR_KEY" "$GVISOR_LIST"
  return 1
}

# Debian 12's own runsc is of 2022, its backports' of 2024. The backports are read into a directory of their own,
# so that the machine's package sources stay as they are; runsc depends on nothing, so only it is installed.
install_gvisor_from_backports() {
  local codename mirror lists exit_code=0
  codename=$(. /etc/os-release && [ "$ID" = debian ] && printf '%s' "${VERSION_CODENAME:-}") || return 1
  mirror=$(bash "$here/debian-mirror.sh") || return 1
  lists=$(mktemp -d)
  mkdir -p "$lists/state/partial"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s-backports main\n' "$mirror" "$codename" >"$lists/sources.list"
  local options=(-o "Dir::Etc::SourceList=$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$lists/state"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
  # apt's own user downloads, and mktemp made the directory for root alone.
  chmod -R a+rX "$lists"
  { timeout 60 apt-get "${options[@]}" update -qq && apt_run "${options[@]}" -t "$codename-backports" install runsc; } >/dev/null 2>&1 || exit_code=$?
  rm -rf "$lists"
  [ "$exit_code" -ne 0 ] || say "took runsc from $codename-backports of this machine's Debian mirror (its package sources are unchanged)"
  return "$exit_code"
}

install_gvisor_of_distribution() {
  say "installing the distribution's runsc (apt)"
  apt_install runsc || die "neither gVisor's repository nor this distribution has runsc. Install it by hand (https://gvisor.dev/docs/user_guide/install/), then repeat."
}

apt_install() {
  if [ "$apt_is_fresh" = no ]; then
    apt-get update -qq || say "apt-get update reported errors; going on with the lists that are there"
    apt_is_fresh=yes
  fi
  local log
  log=$(mktemp)
  if apt_run install "$@" >"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  rm -f "$log"
  return 1
}

apt_run() { DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"; }

register_runtime() {
  node "$here/register-runtime.mjs" "$DAEMON_JSON" "$RUNTIME" "$(command -v runsc)" || die "$DAEMON_JSON was left as it is."
}

under_systemd() { [ -d /run/systemd/system ]; }

# A package may have been forbidden to start its service (policy-rc.d), so only the daemon's answer counts.
ensure_engine_runs() {
  engine_answers && return
  local dockerd=
  if under_systemd; then
    say "starting Docker Engine (systemctl enable --now docker)"
    systemctl enable --now docker || die "systemd could not start Docker Engine. See \`journalctl -u docker\`."
  else
    say "starting dockerd in the background (no systemd here), log in $DOCKERD_LOG"
    # 9 is the lock of setup.sh: an inherited copy would keep it locked as long as dockerd lives.
    setsid nohup dockerd >>"$DOCKERD_LOG" 2>&1 </dev/null 9>&- &
    dockerd=$!
  fi
  local deadline=$((SECONDS + ENGINE_WAIT_S))
  until engine_answers; do
    [ -z "$dockerd" ] || kill -0 "$dockerd" 2>/dev/null || die "dockerd ended at once; $DOCKERD_LOG says: $(tail -n 1 "$DOCKERD_LOG")"
    [ "$SECONDS" -lt "$deadline" ] || die "Docker Engine did not answer within $ENGINE_WAIT_S s. See $(under_systemd && echo 'journalctl -u docker' || echo "$DOCKERD_LOG")."
    sleep 0.2
  done
  say "Docker Engine $(docker version --format '{{.Server.Version}}') answers"
}

ensure_runtime_is_loaded() {
  if ! runtime_is_ready; then
    say "telling Docker Engine to read $DAEMON_JSON again"
    if under_systemd; then systemctl reload docker; else kill -HUP "$(cat /run/docker.pid)"; fi
  fi
  local deadline=$((SECONDS + 10))
  until runtime_is_ready; do
    [ "$SECONDS" -lt "$deadline" ] || die "Docker does not list the runtime $RUNTIME although $DAEMON_JSON names it. Is this engine configured elsewhere (snap, --config-file, --add-runtime)? Compare \`docker info\`."
    sleep 0.2
  done
  say "ready: Docker lists the runtime $RUNTIME"
}

main
