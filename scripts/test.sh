#!/bin/sh
# Every check there is: types, lint, format, unit, cli and engine tests. The last line counts the tests.
# Arguments go to the test runner: `npm test -- -t "the hitos example"`.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
npx --no-install tsc --noEmit
npx --no-install eslint --cache --cache-location node_modules/.cache/eslint .
npx --no-install prettier --check --log-level warn .

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
export TSCOMPOSE_BUILT=1
status=0

run() {
  report=$1
  shift
  "$@" --reporter=default --reporter=json --outputFile.json="$reports/$report" || status=$?
}
run fast.json npx --no-install vitest run --project unit --project cli "$@"
if [ "$(id -u)" = 0 ]; then
  # The engine tests compare the whole machine before and after, so they get one of their own.
  run engine.json sh scripts/own-machine.sh npx --no-install vitest run --project engine "$@"
elif [ "${TSCOMPOSE_REQUIRE_ENGINE:-}" = 1 ]; then
  printf '%s\n' 'test: the engine tests are required and need root' >&2
  status=1
else
  printf '%s\n' 'test: the engine tests are left out: they need root' >&2
fi
node scripts/count-tests.mjs "$reports"/*.json || status=$?
exit "$status"
