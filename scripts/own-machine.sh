#!/bin/sh
# own-machine.sh COMMAND…: runs a command in network, mount and process namespaces of its own, on the same kernel.
# The engine tests compare the whole machine before and after; here nothing but them changes it, and no port is taken.
set -eu
exec unshare --net --mount --pid --ipc --uts --fork --kill-child --mount-proc --propagation private \
  sh -c 'ip link set lo up; "$@"; exit "$?"' own-machine "$@" # no exec: as process 1 the shell reaps orphans
