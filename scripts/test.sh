#!/bin/sh
# Every check there is: types, lint, format, unit, cli and engine tests. The last line counts the tests.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
npx --no-install tsc --noEmit
npx --no-install eslint --cache --cache-location node_modules/.cache/eslint .
npx --no-install prettier --check --log-level warn .
report=$(mktemp)
trap 'rm -f "$report"' EXIT
export TSCOMPOSE_BUILT=1
status=0
npx --no-install vitest run --reporter=default --reporter=json --outputFile.json="$report" "$@" || status=$?
node -e '
  const report = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
  const broken = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
  console.log(`${report.numPassedTests} passed, ${report.numFailedTests + broken} failed, ${report.numPendingTests + report.numTodoTests} skipped`);
' "$report"
exit "$status"
