#!/bin/sh
# The container's first process. The toolbox touches the file whenever the server pings it; when nobody did for
# BACKSPACE_ORPHAN_SECONDS the server is gone, and the container ends by itself.
alive=/tmp/.backspace-alive
: > "$alive"
while [ -e "$alive" ]; do
  age=$(( $(date +%s) - $(stat -c %Y "$alive") ))
  [ "$age" -gt "${BACKSPACE_ORPHAN_SECONDS:-300}" ] && exit 0
  sleep 5
done
