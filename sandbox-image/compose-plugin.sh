#!/usr/bin/env bash
# Makes sure that `docker compose` answers: docker-compose.yml and its test need Compose 2. Where no package of this
# machine's sources holds it, as on Debian 12, its one static binary is taken from the package of Debian 13.
#
# Nothing but Compose itself waits for it, so a machine that cannot get it is told so, and the set-up goes on.
set -euo pipefail

readonly PLUGIN=/usr/local/lib/docker/cli-plugins/docker-compose
readonly PLUGIN_IN_PACKAGE=usr/libexec/docker/cli-plugins/docker-compose
readonly DEBIAN_SUITE=trixie
readonly DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
readonly APT_MAX_S=300

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=

main() {
  if compose_answers; then
    say "nothing to do: Docker Compose $(docker compose version --short) answers"
    return
  fi
  if ! command -v apt-get >/dev/null; then
    give_up 'apt-get is missing: this is not Debian or Ubuntu'
    return
  fi
  work=$(mktemp -d)
  # As root, since apt leaves files of root behind.
  trap 'as_root rm -rf "$work" || true' EXIT
  # apt's own user downloads, and mktemp made the directory for one user alone.
  chmod 0755 "$work"
  as_root apt-get update -qq >"$work/log" 2>&1 || say 'apt-get update reported errors; going on with the lists that are there'
  if install_package || install_binary_of_debian; then
    compose_answers || { give_up 'the docker client does not see the installed plugin'; return; }
    say "Docker Compose $(docker compose version --short) answers"
  else
    local last
    last=$(tail -n 1 "$work/log")
    give_up "neither this machine's package sources nor a Debian mirror gave it${last:+; apt said: $last}"
  fi
}

say() { printf 'compose: %s\n' "$*"; }

give_up() {
  say "warning: there is no \`docker compose\` here ($1). The demo and \`npm start\` do without; for docker-compose.yml and its test install Compose 2 by hand (https://docs.docker.com/compose/install/linux/)."
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

compose_answers() { docker compose version --short >/dev/null 2>&1; }

install_package() {
  local package
  package=$(package_with_compose_2) || return 1
  say "installing $package (apt)"
  as_root env DEBIAN_FRONTEND=noninteractive timeout "$APT_MAX_S" \
    apt-get -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 install "$package" >"$work/log" 2>&1
}

# The names are Docker's own, Ubuntu's and Debian's. Debian's was another program, in Python, before its version 2.
package_with_compose_2() {
  local name version
  for name in docker-compose-plugin docker-compose-v2 docker-compose; do
    version=$(apt-cache policy "$name" 2>/dev/null | awk '$1 == "Candidate:" { sub(/^[0-9]+:/, "", $2); print $2 }')
    if [[ "$version" =~ ^([0-9]+)\. ]] && [ "${BASH_REMATCH[1]}" -ge 2 ]; then
      printf '%s\n' "$name"
      return
    fi
  done
  return 1
}

# A package of a newer Debian is not installed into an older one: the list of its packages is read into a directory
# of our own, apt checks the signatures as ever, and one file is taken out. The machine's sources stay as they are.
install_binary_of_debian() {
  local mirror
  mirror=$(bash "$here/debian-mirror.sh") || return 1
  mkdir -p "$work/lists/partial" "$work/archives/partial"
  printf 'deb [signed-by=%s] %s %s main\n' "$DEBIAN_KEYRING" "$mirror" "$DEBIAN_SUITE" >"$work/sources.list"
  local options=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/lists"
    -o "Dir::Cache::Archives=$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
  say "taking Docker Compose from the package of Debian $DEBIAN_SUITE on this machine's Debian mirror"
  {
    as_root timeout "$APT_MAX_S" apt-get "${options[@]}" update -qq \
      && (cd "$work" && timeout "$APT_MAX_S" apt-get "${options[@]}" download docker-compose) \
      && dpkg-deb --extract "$work"/docker-compose_*.deb "$work/package" \
      && as_root install -D --mode=0755 "$work/package/$PLUGIN_IN_PACKAGE" "$PLUGIN"
  } >"$work/log" 2>&1 || return 1
  say "installed $PLUGIN"
}

main
