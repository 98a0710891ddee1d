#!/bin/sh
# Installs what is missing and nothing else: system packages, npm packages, the build. Safe to run again.
# `setup.sh test` adds what only the tests need.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "setup: $*" >&2; }

# Debian package names of what the engine calls. crun is preferred; runc serves where crun does not run.
missing=''
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
PATH="$PATH:/usr/sbin:/sbin"
need crun crun
need conmon conmon
need nft nftables
need ip iproute2
need unshare util-linux
need ps procps
need zstd zstd
need catatonit catatonit
need xz xz-utils
need curl curl
if [ "${1:-}" = test ]; then # what only the tests call
  need setfattr attr
  need iptables iptables
  need python3 python3
fi
is_static_busybox() { command -v busybox >/dev/null 2>&1 && busybox --list >/dev/null 2>&1 && ! ldd "$(command -v busybox)" >/dev/null 2>&1; }
is_static_busybox || missing="$missing busybox-static"

if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    say "these programs are missing; install them with your system's package manager (Debian names):$missing"
    exit 1
  fi
  if [ "$(id -u)" = 0 ]; then as_root=''
  elif command -v sudo >/dev/null 2>&1; then as_root='sudo'
  else
    say "these packages are missing and need root to install:$missing"
    say "run as root: apt-get install --no-install-recommends$missing"
    exit 1
  fi
  say "installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 -- both are lists of words
  $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
  }
fi

stamp=node_modules/.cache/setup-lock.sha256
wanted=$(sha256sum package-lock.json)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
  say 'installing npm packages'
  npm ci --no-audit --no-fund --loglevel=error >&2
  mkdir -p "$(dirname "$stamp")"
  printf '%s\n' "$wanted" >"$stamp"
fi

say 'building'
node scripts/build.mjs >&2
