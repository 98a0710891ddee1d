#!/bin/sh
# write-conformance.sh: runs the conformance and security suites on the embedded engine and on the dockerd that
# DOCKER_HOST (or TSCOMPOSE_PEER_HOST) names, and writes docs/conformance.md and docs/security.md. Needs root and a build.
set -eu
cd "$(dirname "$0")/.."
TSCOMPOSE_PEER_HOST=${TSCOMPOSE_PEER_HOST:-${DOCKER_HOST:?name a dockerd to compare with}}
export TSCOMPOSE_PEER_HOST TSCOMPOSE_WRITE_CONFORMANCE=1 TSCOMPOSE_BUILT=1 TSCOMPOSE_REQUIRE_ENGINE=1
unset DOCKER_HOST
exec npx --no-install vitest run --project engine test/engine/conformance
