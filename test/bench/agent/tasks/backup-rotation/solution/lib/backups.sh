# Functions about backups in the current directory.

# The names of all backups, the oldest first, each ended by a zero byte: it is the only one that no name can hold.
list_backups() (
  export LC_ALL=C
  shopt -s dotglob nullglob
  for name in *[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].tar; do
    if [ -f "$name" ] && [ ! -L "$name" ]; then printf '%s %s\0' "${name: -14}" "$name"; fi
  done | sort -z | cut -z -d ' ' -f 2-
)

is_number() {
  [[ $1 =~ ^[1-9][0-9]{0,8}$ ]]
}
