#!/usr/bin/env bash
# Makes sure that the base image of the Dockerfile is present: by pulling it, or, on a machine that reaches no
# image registry, by building a local stand-in with the same layout.
#
# The stand-in takes the official image's name, so the Dockerfile needs no second form. It never blocks the
# official one: `docker pull node:24-bookworm-slim` moves the name whenever a registry can be reached, and
# setup.sh then rebuilds the sandbox image, because the base image's id is part of what it compares.
set -euo pipefail

readonly IMAGE=node:24-bookworm-slim
readonly DEBIAN_IMAGE=debian:bookworm-slim
readonly STAND_IN_LABEL=io.tiny-backspace.stand-in
readonly PULL_MAX_S=600
readonly REACH_MAX_S=20
readonly NPM_MAJOR=11

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
work=

main() {
  if docker image inspect "$IMAGE" >/dev/null 2>&1 && ! stand_in_is_old; then
    say "nothing to do: $IMAGE is present$(stand_in_note)"
    return
  fi
  if pull; then
    say "pulled $IMAGE"
    return
  fi
  say "$IMAGE cannot be pulled here; building a LOCAL STAND-IN from Debian's packages and npm's Node.js instead"
  work=$(mktemp -d)
  trap clean_up EXIT
  build_debian
  build_node
  say "built $IMAGE as a local stand-in (label $STAND_IN_LABEL=true). \`docker pull $IMAGE\` replaces it by the official image."
}

say() { printf 'base: %s\n' "$*"; }

die() {
  printf 'base: error: %s\n' "$*" >&2
  exit 1
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# debootstrap leaves files of root behind.
clean_up() { as_root rm -rf "$work"; }

# A stand-in holds the Node of the checkout that made it; a pulled image is renewed by `docker pull`.
stand_in_is_old() {
  [ -n "$(stand_in_note)" ] || return 1
  ! docker image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$IMAGE" \
    | grep -qx "NODE_VERSION=$("$root/node_modules/node/bin/node" --version | tr -d v)"
}

stand_in_note() {
  if [ "$(docker image inspect --format "{{index .Config.Labels \"$STAND_IN_LABEL\"}}" "$IMAGE")" = true ]; then
    printf ' (a local stand-in)'
  fi
}

# Without a route to the registry, a pull may hang in name resolution: it must show its first line of progress soon.
pull() {
  local log pid started=$SECONDS
  log=$(mktemp)
  timeout "$PULL_MAX_S" docker pull "$IMAGE" >"$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if [ $((SECONDS - started)) -ge "$REACH_MAX_S" ] && ! grep -q 'Pulling from' "$log"; then kill "$pid" || true; fi
    sleep 0.2
  done
  local exit_code=0
  wait "$pid" || exit_code=$?
  [ "$exit_code" -eq 0 ] || say "docker pull failed: $(tail -n 1 "$log")"
  rm -f "$log"
  return "$exit_code"
}

build_debian() {
  if docker image inspect "$DEBIAN_IMAGE" >/dev/null 2>&1; then return; fi
  local mirror
  mirror=$(bash "$here/debian-mirror.sh") || die "there is no Debian mirror among this machine's package sources, so no stand-in can be made. Give Docker a way to pull $IMAGE (for example a registry mirror in /etc/docker/daemon.json), then repeat."
  if ! command -v debootstrap >/dev/null; then
    say "installing debootstrap (apt)"
    as_root apt-get update -qq >/dev/null 2>&1 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null 2>&1 || die "apt could not install debootstrap. Run \`apt-get update && apt-get install debootstrap\` to see why."
  fi
  say "debootstrap of bookworm from this machine's Debian mirror (about half a minute)"
  as_root debootstrap --variant=minbase bookworm "$work/debian" "$mirror" >"$work/debootstrap.log" 2>&1 \
    || { tail -n 20 "$work/debootstrap.log" >&2; die "debootstrap failed."; }
  # What the official slim image leaves out as well.
  as_root sh -c "rm -rf '$work'/debian/var/cache/apt/archives/*.deb '$work'/debian/var/lib/apt/lists/* '$work'/debian/usr/share/doc/* '$work'/debian/usr/share/man/* '$work'/debian/usr/share/locale/*"
  as_root tar -C "$work/debian" --numeric-owner -c . \
    | docker import --change "LABEL $STAND_IN_LABEL=true" --change 'CMD ["bash"]' - "$DEBIAN_IMAGE" >/dev/null
}

# The layout of the official image: /usr/local/bin/{node,nodejs,npm,npx}, user node with uid 1000. There is no yarn.
build_node() {
  local node=$root/node_modules/node/bin/node
  [ -x "$node" ] || die "$node is missing. Run \`npm ci\`, then repeat."
  mkdir -p "$work/node/bin" "$work/node/lib/node_modules/npm"
  cp "$node" "$work/node/bin/node"
  ln -s node "$work/node/bin/nodejs"
  (cd "$work" && npm pack --silent "npm@$NPM_MAJOR" >/dev/null) || die "npm pack npm@$NPM_MAJOR failed."
  tar -xzf "$work"/npm-"$NPM_MAJOR".*.tgz -C "$work/node/lib/node_modules/npm" --strip-components=1
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/node/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$work/node/bin/npx"
  chmod 0755 "$work"/node/lib/node_modules/npm/bin/*-cli.js
  # Where this machine's npm trusts further certificates, npm in a build needs them for the same registry.
  mkdir -p "$work/node/etc"
  : >"$work/node/etc/npmrc"
  if [ -f "${NODE_EXTRA_CA_CERTS:-}" ]; then
    cp "$NODE_EXTRA_CA_CERTS" "$work/node/etc/npm-ca.crt"
    printf 'cafile=/usr/local/etc/npm-ca.crt\n' >"$work/node/etc/npmrc"
  fi
  cat >"$work/node/Dockerfile" <<DOCKERFILE
FROM $DEBIAN_IMAGE
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY --chown=0:0 bin /usr/local/bin
COPY --chown=0:0 lib /usr/local/lib
COPY --chown=0:0 etc /usr/local/etc
ENV NODE_VERSION=$("$node" --version | tr -d v)
LABEL $STAND_IN_LABEL=true
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* && node --version && npm --version && rm -rf /root/.npm
CMD ["node"]
DOCKERFILE
  docker build --tag "$IMAGE" "$work/node" >"$work/build.log" 2>&1 \
    || docker build --network=host --tag "$IMAGE" "$work/node" >"$work/build.log" 2>&1 \
    || { tail -n 20 "$work/build.log" >&2; die "docker build of the stand-in failed."; }
}

main
