/**
 * Layers of experts that are built or called wrongly, and what they say; the last one ends the world.
 */
import { defineProgram, initialize } from "@meshwright/core";
import { createMesh, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { MoELayer, setRouterStep } from "../../src/index.ts";

const [D, T] = [4, 6];

function messageOf(body: () => unknown): string {
  try {
    tf.tidy(() => void body());
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was wrong";
}

export default defineProgram<{ readonly isLast: boolean }, unknown, Record<string, string>>(
  ({ world, options: { isLast } }) => {
    const mesh = createMesh(world, { dp: 1, ep: world.size });
    const sizes = { features: D, hidden: 3, topK: 2, numExperts: 4, name: "moe" };
    const create = (settings: Partial<ConstructorParameters<typeof MoELayer>[0]>): MoELayer => {
      const layer = new MoELayer({ ...sizes, parallel: { mesh, expertAxis: "ep" }, ...settings });
      initialize({ layer }, { seed: 1 });
      return layer;
    };
    if (isLast) {
      const layer = create({});
      setRouterStep(layer, 17);
      // Row 4 is rank 1's.
      const values = Float32Array.from({ length: T * D }, (_, i) => (i === 4 * D ? NaN : i));
      layer.apply(tf.tensor2d(values, [T, D]));
    }
    const before = tf.memory().numTensors;
    const axis = "xp";
    const messages = {
      settings: messageOf(() =>
        create({ numExperts: 5, parallel: { mesh, expertAxis: "ep", dataAxes: [axis] } }),
      ),
      "axis twice": messageOf(() => create({ parallel: { mesh, expertAxis: "ep", dataAxes: ["ep"] } })),
      "no axis": messageOf(() => create({ parallel: { mesh } })),
    };
    const leaked = String(tf.memory().numTensors - before);
    const x = shard(tf.ones([T, D]), mesh, { ep: Shard(0) });
    return {
      ...{ ...messages, leaked },
      "unknown mesh": messageOf(() => create({ parallel: undefined }).apply(x)),
      "other shape": messageOf(() => create({}).apply(tf.ones([T + 2 * world.rank, D]))),
    };
  },
);
