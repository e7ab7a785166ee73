#!/usr/bin/env bash
# Usage: rotate.sh DIRECTORY KEEP [--dry-run]
set -eu
source "$(dirname "$0")/../lib/backups.sh"

directory=${1:?DIRECTORY is missing}
keep=${2:-}
dry_run=${3:-}

is_number "$keep" || { echo "rotate.sh: KEEP must be a whole number from 1 on" >&2; exit 2; }
cd -- "$directory"

mapfile -d '' -t backups < <(list_backups)
beyond=$((${#backups[@]} - keep))
for ((index = 0; index < beyond; index++)); do
  backup=${backups[index]}
  [ "$dry_run" = --dry-run ] || rm -f -- "$backup"
  printf 'deleted: %s\n' "$backup"
done
