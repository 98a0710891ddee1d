#!/bin/sh
# write-dockerfile-page.sh: builds every form of the Dockerfile language on the embedded engine and on the dockerd that
# DOCKER_HOST names, and when all are the same writes docs/dockerfile.md. Needs root and a build.
set -eu
cd "$(dirname "$0")/.."
: "${DOCKER_HOST:?name a dockerd to compare with}"
export TSCOMPOSE_PEER=1 TSCOMPOSE_BUILT=1 TSCOMPOSE_REQUIRE_ENGINE=1 TSCOMPOSE_WRITE_DOCKERFILE_PAGE=1
npx --no-install vitest run --project engine test/engine/builder/cases.test.ts
npx --no-install vitest run --project unit test/unit/engine/builder/page.test.ts
