#!/usr/bin/env bash
# Packs the packages as npm would publish them, installs them in an empty folder, and runs a program there on two ranks,
# through the command and through the library: no source condition, no workspace.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for package in core sharding; do
  (cd "$root/packages/$package" && npx -y pnpm@10 pack --pack-destination "$scratch" >/dev/null)
done
cd "$scratch"
echo '{ "name": "scratch", "private": true, "type": "module" }' >package.json
npm install --no-audit --no-fund --silent ./meshwright-*.tgz @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0

cat >train.ts <<'EOF'
import { defineProgram } from "@meshwright/core";
import { createMesh, full, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export default defineProgram(({ world }) => {
  const mesh = createMesh(world, { tp: world.size });
  const w: tf.Tensor = shard(tf.ones([3, 5]), mesh, { tp: Shard(1) });
  const sum = full(tf.matMul(tf.ones([2, 3]), w)).dataSync().join();
  console.log(`${world.engine.name} ${sum}`);
  return sum;
});
EOF
cat >launch.mjs <<'EOF'
import { launch } from "@meshwright/core";
const results = await launch(new URL("./train.ts", import.meta.url), { ranks: 2, output: () => {} });
console.log(results.join(" | "));
EOF
expected="3,3,3,3,3,3,3,3,3,3"
npx meshwright run train.ts --ranks 2 | sort >command.txt
node launch.mjs >library.txt
cat command.txt library.txt
diff command.txt <(printf '[rank 0] wasm %s\n[rank 1] wasm %s\n' "$expected" "$expected")
diff library.txt <(printf '%s | %s\n' "$expected" "$expected")
