#!/usr/bin/env bash
# Prints the Debian mirror that this machine's apt uses (it is the one that is known to be reachable from here),
# and fails where there is none, as on Ubuntu.
set -euo pipefail

# shellcheck disable=SC2016 # The fields are apt's to fill in, not the shell's.
apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null \
  | awk '$1 == "Debian" && $2 == "Debian" && $3 == "main" && !found { print $4; found = 1 } END { exit !found }'
