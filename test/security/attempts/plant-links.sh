#!/bin/bash
# Puts links, pipes and directories where the toolbox keeps files of its own (/tmp/.backspace-alive, /tmp/backspace-output)
# and where the listing of the workspace and the reading of its files come by: links to a file of the host's, to the root,
# to what a process knows of itself, and one in the place of a directory of the repository.
# Success: the content of anything but the repository's files is in the commit, or a file of the host's has changed.
#   plant-links.sh FILE     a file of the host's
cd /workspace || exit 0
rm -rf /tmp/.backspace-alive /tmp/backspace-output
ln -s "$1" /tmp/.backspace-alive
ln -s "$(dirname "$1")" /tmp/backspace-output
ln -s "$1" link-to-the-host
ln -s /proc/self/environ link-to-the-environment
ln -s "../../../../../../..$1" link-that-climbs
ln -s / link-to-the-root
rm -r docs && ln -s /etc docs
ln /etc/hostname hard-link-to-docker 2>/dev/null
mkfifo pipe && mknod device c 1 3 2>/dev/null
python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('socket')"
# Enough for the toolbox to make a file of it.
head -c 300000 /dev/zero | tr '\0' x
