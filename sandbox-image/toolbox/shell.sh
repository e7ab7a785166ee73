# The shell that is kept for commands: see bash.ts. Fields end with NUL, which no text of bash can hold. The descriptors
# are high ones, where no command looks for any: 61 brings commands, 62 takes reports, 63 is stdout as it was.
exec 2>&1 61<&3 62>&4 63>&1 3<&- 4>&-
set --

# `done`: ready for the next command. `last`: the command ends this shell.
__backspace_report() {
  { printf '%s\0%s\0%s\0' "$1" "$2" "$PWD"; export -p; printf '\0'; } >&62
  printf '\0%s\0' "$__backspace_call" >&63
}

while
  IFS= read -r -d '' __backspace_call <&61 && IFS= read -r -d '' __backspace_before <&61 &&
    IFS= read -r -d '' __backspace_command <&61
do
  # What the shell before this one knew: its variables, the call's id among them, and its directory.
  eval "$__backspace_before" 2>/dev/null
  export BACKSPACE_CALL=$__backspace_call
  trap '__backspace_report $? last' EXIT
  eval "$__backspace_command" </dev/null 61<&-
  { __backspace_code=$?; set +exuf; set +o pipefail; } 2>/dev/null
  exec >&63 2>&63
  __backspace_report "$__backspace_code" done
done
trap - EXIT
