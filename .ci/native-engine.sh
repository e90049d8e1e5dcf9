#!/usr/bin/env bash
# The native engine on a fresh clone: what a machine that lacks something says, and the true wheel installed by two
# processes at once, used by two ranks, broken, repaired and removed. Needs pip, a C++ compiler, and an index with the
# wheel (274 MB); with ENGINE_WHEEL=optional a missing wheel ends the checks that need it, without failure.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
export MESHWRIGHT_CACHE=$scratch/cache
# Nobody listens at the discard port: tfjs-node's own host is not what is tested here.
export TFJS_NODE_CDN_STORAGE=http://127.0.0.1:9/
unset MESHWRIGHT_ENGINE
version=2.21.0

failed=0
check() { # NAME CONDITION...
  local name=$1
  shift
  if "$@"; then
    echo "native engine: $name: ok ($SECONDS s)"
  else
    failed=1
    echo "native engine: $name: FAILED"
    tail -n 15 "$scratch/out" "$scratch/err"
  fi
}
# Runs a command with its output in $scratch/out and $scratch/err and its exit code in $code.
code=0
try() {
  "$@" >"$scratch/out" 2>"$scratch/err"
  code=$?
}
engine() { try node packages/core/bin/meshwright.mjs engine "$@"; }
says() { # CODE TEXT: ended so, and the last line that was written holds the text
  [ "$code" = "$1" ] && cat "$scratch/err" "$scratch/out" | tail -n 1 | grep -qF -- "$2"
}
run_two_ranks() { try node packages/core/bin/meshwright.mjs run check-engine.ts --ranks 2 --engine "$1"; }
computes_on() { # ENGINE
  [ "$code" = 0 ] && [ "$(sort "$scratch/out")" = "$(printf '[rank 0] %s 6,6\n[rank 1] %s 6,6' "$1" "$1")" ]
}
is_whole() {
  engine status --json
  node -e '
    const { damaged, addons } = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
    process.exit(damaged.length === 0 && addons[0]?.check.loads === true ? 0 : 1);
  ' "$scratch/out"
}
nothing_left() { [ -z "$(ls -A "$MESHWRIGHT_CACHE" 2>/dev/null)" ]; }

git clone --quiet --local "$root" "$scratch/clone" || exit 1
cd "$scratch/clone" || exit 1
try npx -y pnpm@10 install --frozen-lockfile --prefer-offline
check "an install without a native library succeeds" [ "$code" = 0 ]
# As for a user who has not installed tfjs-node: npm fetches its JavaScript into the cache.
rm packages/core/node_modules/@tensorflow/tfjs-node
cat >check-engine.ts <<'EOF'
import * as tf from "@tensorflow/tfjs";
import { defineProgram } from "./packages/core/src/index.ts";

export default defineProgram(({ world }) => {
  const product = tf.matMul(tf.ones([1, 3]), tf.fill([3, 2], 2));
  console.log(`${world.engine.name} ${product.dataSync().join(",")}`);
});
EOF

# Nothing can be reached.
export PIP_NO_INDEX=1
engine install
check "with nothing reachable it fails in one line" says 1 "No matching distribution found for tensorflow-cpu==$version"
check "that line names every source" grep -qF "package: host of tfjs-node's binaries" "$scratch/err"
run_two_ranks auto
check "ranks then compute on wasm" computes_on wasm
run_two_ranks tensorflow
check "and the native engine, asked for by name, is an error" grep -qF "meshwright engine install" "$scratch/err"
engine status
check "status says that nothing is installed" grep -q '^engine   none; use "meshwright engine install"$' "$scratch/out"

# Without tools.
mkdir "$scratch/tools"
ln -s "$(command -v node)" "$scratch/tools/node"
PATH=$scratch/tools engine install --source wheel
check "without a compiler it says so" says 1 "C++ compiler (not found"
ln -s "$(command -v g++ || command -v c++ || command -v clang++)" "$scratch/tools/c++"
PATH=$scratch/tools engine install --source wheel
check "without pip it says so" says 1 "pip (not found"
unset PIP_NO_INDEX

# The true wheel, fetched once.
if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
  --dest "$scratch/wheels" "tensorflow-cpu==$version"; then
  echo "native engine: the wheel of tensorflow-cpu $version is not reachable"
  [ "${ENGINE_WHEEL:-}" = optional ] || failed=1
  exit "$failed"
fi
wheel=$(echo "$scratch"/wheels/*.whl)
export PIP_NO_INDEX=1 PIP_FIND_LINKS=$scratch/wheels

node packages/core/bin/meshwright.mjs engine install >"$scratch/first" 2>"$scratch/first.err" &
first=$!
engine install
second_code=$code
wait "$first"
check "two at once both succeed" [ "$?$second_code" = 00 ]
cat "$scratch/first" >>"$scratch/out"
check "one of them installs" [ "$(grep -c ' installed in ' "$scratch/out")" = 1 ]
check "the other finds it" [ "$(grep -c ' is there already, whole: ' "$scratch/out")" = 1 ]
engine install --dry-run --force
check "a dry run tells the steps and sizes" grep -qF "fetch tensorflow-cpu==$version with pip (273.8 MB)" "$scratch/out"
run_two_ranks tensorflow
check "two ranks compute on tensorflow" computes_on tensorflow

# What breaks a second installation leaves the first one.
head -c 200000000 "$wheel" >"$scratch/wheels/truncated.whl"
engine install --force --wheel "$scratch/wheels/truncated.whl"
check "a truncated archive is refused" says 1 'step "unpack"'
check "and the old engine stays whole" is_whole
node packages/core/bin/meshwright.mjs engine install --force --wheel "$wheel" 2>"$scratch/err" >"$scratch/out" &
killed=$!
until grep -q '^unpack' "$scratch/err" || ! kill -0 "$killed" 2>/dev/null; do sleep 0.1; done
kill -9 "$killed"
wait "$killed" 2>/dev/null
check "killed half-way, the old engine stays whole" is_whole
run_two_ranks auto
check "auto takes it" computes_on tensorflow

engine remove
check "remove leaves nothing" nothing_left
exit "$failed"
