#!/bin/sh
# write-commands.sh: writes docs/commands.md from the tables of the CLI and from what the tests run.
set -eu
cd "$(dirname "$0")/.."
TSCOMPOSE_WRITE_COMMANDS=1 exec npx --no-install vitest run --project unit test/unit/cli/commands-page.test.ts
