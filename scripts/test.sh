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

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
export TSCOMPOSE_BUILT=1
status=0

run() {
  report=$1
  shift
  "$@" --reporter=default --reporter=json --outputFile.json="$reports/$report.json"
}
run fast npx --no-install vitest run --project unit --project cli "$@" || status=$?
if [ "$(id -u)" = 0 ]; then
  # Engine tests compare the whole machine before and after, so they get one of their own.
  engine() {
    report=$1
    shift
    run "$report" sh scripts/own-machine.sh npx --no-install vitest run --project engine "$@"
  }
  if [ "$#" = 0 ]; then
    # They wait for most of their time, so two halves run at once; the second is shown when the first is over.
    engine engine2 --shard=2/2 >"$reports/engine2.log" 2>&1 &
    second=$!
    engine engine1 --shard=1/2 || status=$?
    wait "$second" || status=$?
    cat "$reports/engine2.log"
  else
    engine engine "$@" || status=$?
  fi
elif [ "${TSCOMPOSE_REQUIRE_ENGINE:-}" = 1 ]; then
  printf '%s\n' 'test: the engine tests are required and need root' >&2
  status=1
else
  printf '%s\n' 'test: the engine tests are left out: they need root' >&2
fi
node scripts/count-tests.mjs "$reports"/*.json || status=$?
exit "$status"
