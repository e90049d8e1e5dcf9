#!/usr/bin/env bash
# Installs the native engine into a folder of its own and runs the unit tests on it.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export MESHWRIGHT_CACHE=$scratch/cache MESHWRIGHT_ENGINE=tensorflow

node packages/core/bin/meshwright.mjs engine install
npx vitest run
