#!/bin/sh
# Every check there is: types, lint, format, unit, cli and engine tests. The last line counts the tests.
# Arguments go to the test runner: `npm test -- -t "the hitos example"`.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
npx --no-install eslint --cache --cache-location node_modules/.cache/eslint . &
lint=$!
npx --no-install tsc --noEmit
npx --no-install prettier --check --log-level warn .
wait "$lint"

report=$(mktemp)
trap 'rm -f "$report"' EXIT
export TSCOMPOSE_BUILT=1
status=0

if [ "$(id -u)" != 0 ]; then
  set -- --project unit --project cli "$@"
  if [ "${TSCOMPOSE_REQUIRE_ENGINE:-}" = 1 ]; then
    printf '%s\n' 'test: the engine tests are required and need root' >&2
    status=1
  else
    printf '%s\n' 'test: the engine tests are left out: they need root' >&2
  fi
fi
npx --no-install vitest run --reporter=default --reporter=json --outputFile.json="$report" "$@" || status=$?
node scripts/count-tests.mjs "$report" || status=$?
exit "$status"
