#!/usr/bin/env bash
# Installs the native engine into a folder of its own and runs on it the tests whose values an engine computes: kernels,
# layers, optimizers, rules, layers of experts, pipelines, and the trainings. What an engine cannot change (schedules,
# planners, transports, commands, files), and what names its engine, is tested once, on wasm.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export MESHWRIGHT_CACHE=$scratch/cache MESHWRIGHT_ENGINE=tensorflow

node packages/core/bin/meshwright.mjs engine install
npx vitest run packages/core/src/{autograd,engine,kernels,nn,optim} packages/core/test/{engine,golden} \
  packages/sharding/src/{backend,layers,rules} packages/sharding/test packages/moe/src packages/moe/test \
  packages/pipeline/src/stage.test.ts packages/pipeline/test/{tied,transparency}.test.ts \
  examples/{cnn,expert-pipeline,gpt,moe-gpt} \
  --exclude '**/mpi*.test.ts' --exclude 'examples/gpt/{hosts,restart,resume}*.test.ts' \
  --exclude 'packages/sharding/test/{redistribute-paths,checkpoint*,bad-input,sub-mesh}.test.ts' \
  --exclude 'packages/sharding/test/silent-errors/**' \
  --exclude '**/{fallback,memory,meshes,op-coverage,routing-properties}.test.ts' \
  --exclude '**/wasm*/**' --exclude '**/wasm*.test.ts'
bash .ci/node-versions.sh
