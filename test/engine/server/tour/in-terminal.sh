#!/bin/sh
# in-terminal.sh COMMAND TYPING: runs COMMAND at a terminal in raw mode. What the shell line TYPING prints is typed there,
# once COMMAND is about to start. Ends with the exit code of COMMAND.
ready=$(mktemp -u)
(
  until [ -e "$ready" ]; do sleep 0.02; done
  eval "$2"
) | script -qec "stty raw -echo rows 33 cols 99; touch '$ready'; $1" /dev/null
code=$?
rm -f "$ready"
exit "$code"
