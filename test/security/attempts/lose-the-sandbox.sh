#!/bin/bash
# Has its own sandbox replaced, and wants the next one to begin where this one was: with its processes, its shell, its
# files outside of the workspace and its .git. What the server carries over is a checkpoint, so its paths are bent too: a
# link in the place of a directory that has files, a link that climbs, a hook, a file where git keeps its own.
# Success: anything but files of the workspace is there again in the next sandbox, or anything forbidden in the commit.
#   lose-the-sandbox.sh plant | lose
cd /workspace || exit 0
if [ "$1" = plant ]; then
  rm -r docs && ln -s ../../../../../tmp docs
  ln -s .git gitlink && mkdir -p .github/workflows && echo 'on: push' >.github/workflows/new.yml
  printf '#!/bin/sh\ntouch /tmp/FOUND-hook\n' >.git/hooks/post-checkout && chmod +x .git/hooks/post-checkout
  git config core.hooksPath .git/hooks && git config core.fsmonitor 'touch /tmp/FOUND-fsmonitor'
  echo notes >notes.md
  echo 'touch /tmp/FOUND-start-up' | tee ~/.bashrc ~/.profile >/tmp/FOUND-file
else
  # It lives in the last moment, and would answer for the toolbox that comes.
  setsid bash -c 'trap "" TERM HUP; while :; do touch /tmp/FOUND-process; sleep 0.1; done' </dev/null >/dev/null 2>&1 &
  pkill -KILL -f toolbox/
fi
