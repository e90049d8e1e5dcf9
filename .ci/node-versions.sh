#!/usr/bin/env bash
# On the versions of Node that are supported beside the installed one: the engines, whose native library and patches lean
# on Node's own interfaces, and the main job. Called with the native engine installed.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for version in 22 24; do
  node=(npx -y -p "node@$version" -- node)
  found=$("${node[@]}" --version) || found="none"
  if [[ $found != v$version.* ]]; then
    echo "Node $version: skipped: npm has no node@$version for this machine (found $found)"
    continue
  fi
  echo "Node $found"
  "${node[@]}" node_modules/vitest/vitest.mjs run packages/core/{src,test}/engine packages/core/test/communication \
    packages/core/test/runtime/run.test.ts
  for engine in wasm tensorflow; do
    "${node[@]}" examples/run.mjs gpt --engine "$engine" --steps 20 --mesh dp=2,tp=2 --no-progress --sample-tokens 20 \
      --report "$scratch/$version-$engine" --json "$scratch/$version-$engine.json"
  done
done

# Where no other version was to be had there is nothing to compare.
runs=("$scratch"/*.json)
[ ! -e "${runs[0]}" ] || node .ci/compare-runs.mjs "${runs[@]}"
