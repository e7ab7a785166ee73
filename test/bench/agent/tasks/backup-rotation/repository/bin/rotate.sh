#!/usr/bin/env bash
# Usage: rotate.sh DIRECTORY KEEP [--dry-run]
source "$(dirname "$0")/../lib/backups.sh"

directory=$1
keep=$2
dry_run=${3:-}

is_number $keep || { echo "rotate.sh: KEEP must be a number" >&2; exit 2; }
cd $directory

backups=$(list_backups | head -n -$keep)
for backup in $backups; do
  echo "deleted: $backup"
  [ "$dry_run" = --dry-run ] || rm -f $backup
done
