/**
 * Compares `--json` files of the main job from different meshes, engines or versions of Node: the same initial weights bit for bit, and losses that
 * agree to 1e-4 (sums are reordered, nothing else).
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const TOLERANCE = 1e-4;
const runs = process.argv
  .slice(2)
  .map((file) => ({ name: basename(file, ".json"), ...JSON.parse(readFileSync(file, "utf8")) }));
if (runs.length < 2) throw new Error(`at least 2 files must be given (${runs.length})`);
const [first, ...others] = runs;
let isRight = true;
for (const other of others) {
  const difference = Math.max(...other.losses.map((loss, i) => Math.abs(loss - first.losses[i])));
  const sameWeights = other.parameterHash === first.parameterHash;
  const agrees = sameWeights && other.losses.length === first.losses.length && difference <= TOLERANCE;
  isRight &&= agrees;
  console.log(
    `${agrees ? "ok  " : "FAIL"} ${other.name} and ${first.name}: largest difference of ${other.losses.length} losses ${difference.toExponential(1)}, initial weights ${sameWeights ? "identical" : "DIFFERENT"}`,
  );
}
process.exitCode = isRight ? 0 : 1;
