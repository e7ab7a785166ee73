# Functions about backups in the current directory.

# The names of all backups, the oldest first.
list_backups() {
  ls | grep -E '[0-9]{4}-[0-9]{2}-[0-9]{2}.tar' | awk '{ print substr($0, length($0) - 13), $0 }' | sort | cut -d ' ' -f 2-
  echo
}

is_number() {
  [[ $1 =~ ^[0-9]+ ]]
}
