#!/bin/sh
# Brings fixtures/hitos up on the embedded engine and shows the page it serves.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
if [ "$(id -u)" != 0 ]; then
  printf '%s\n' 'demo: the engine needs root; run: sudo npm run demo' >&2
  exit 1
fi
tscompose=$PWD/dist/tscompose.cjs
"$tscompose" doctor >/dev/null || "$tscompose" doctor
node scripts/ensure-busybox.mjs
cd fixtures/hitos
"$tscompose" up -d
"$tscompose" ps
printf '\n%s\n' '$ curl localhost:8080/hitos.json'
curl --silent --show-error --fail --retry 10 --retry-connrefused --retry-delay 1 --noproxy localhost http://localhost:8080/hitos.json
printf '\n%s\n' "It goes on running. Take it down with: (cd fixtures/hitos && $tscompose down -v --rmi all)"
