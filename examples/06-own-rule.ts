/**
 * Gives a kernel of one's own a sharding rule.
 *
 * The kernel is `CubeSum`, `y[b] = sum over d of x[b, d]^3`. Without a rule its input is gathered, and a warning says so.
 *
 * Prints (`pnpm example 06-own-rule`):
 *
 * ```text
 * [rank 0] without a rule: communicates allGather, y is float32[2]: tp Replicate()
 * [rank 0] with the rule: communicates nothing, y is float32[2]: tp Partial("sum")
 * [rank 0] max |sharded - dense| = 0
 * ```
 *
 * @packageDocumentation
 */
import { defineProgram, launchHere, type World } from "@meshwright/core";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const cubeSumRule = mw.defineRule({
  kernels: ["CubeSum"],
  outputs: ({ inputs: [x] }) => [{ shape: [x!.shape[0]!], dtype: "float32" }],
  strategies: () => [
    { inputs: [mw.Shard(0)], outputs: [mw.Shard(0)] },
    { inputs: [mw.Shard(1)], outputs: [mw.Partial("sum")] },
  ],
});

/** Registers the kernel for the engine that computes on this rank. */
function registerCubeSum({ engine }: World): void {
  const kernelFunc: tf.KernelFunc = ({ inputs }) => {
    const [rows, columns] = inputs.x!.shape as [number, number];
    return engine.create([rows], "float32", (y) => {
      y.fill(0);
      engine.view(inputs.x!).forEach((value, i) => (y[Math.floor(i / columns)]! += value ** 3));
    });
  };
  tf.registerKernel({ kernelName: "CubeSum", backendName: engine.backendName, kernelFunc });
}

export default defineProgram(({ world }) => {
  registerCubeSum(world);
  const cubeSum = (x: tf.Tensor): tf.Tensor => tf.engine().runKernel("CubeSum", { x });
  const run = (name: string, rules: mw.Rule[]) => {
    const mesh = mw.createMesh(world, { tp: 2 }, { rules });
    const x = mw.shard(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), mesh, { tp: mw.Shard(1) });
    const { result: y, totals } = mw.countCommunication(world, () => cubeSum(x));
    const calls = totals.map(({ collective }) => collective).join() || "nothing";
    const [layout] = mw.describe(y).split(";");
    if (world.rank === 0) console.log(`${name}: communicates ${calls}, y is ${layout}`);
    return y;
  };
  run("without a rule", []);
  const y = run("with the rule", [cubeSumRule]).dataSync();
  if (world.rank === 0) console.log(`max |sharded - dense| = ${Math.max(y[0]! - 36, 405 - y[1]!)}`);
});

await launchHere(import.meta, { ranks: 2 });
