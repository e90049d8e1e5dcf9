/**
 * Runs kernels that have no rule (a pooling and one of its own), or gives them one.
 */
import { defineProgram, type LedgerTotal, type World } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  defineRule,
  formatPlacement,
  placementsOf,
  replicatedKernels,
  shard,
  Shard,
  type FallbackReport,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** What the run does with the kernels. */
export type Handling = "no rule" | "no rule, replicated inputs" | "rule";

export interface FallbackFacts {
  readonly pooled: readonly number[];
  readonly cubed: readonly number[];
  readonly dense: { readonly pooled: readonly number[]; readonly cubed: readonly number[] };
  readonly placements: readonly string[];
  readonly communication: readonly LedgerTotal[];
  readonly replicated: readonly FallbackReport[];
}

const pooling = defineRule({
  kernels: ["MaxPool"],
  outputs: ({ inputs, attrs }) => {
    const [batch, height, width, channels] = inputs[0]!.shape;
    const size = attrs.filterSize as number;
    return [{ shape: [batch!, height! / size, width! / size, channels!], dtype: inputs[0]!.dtype }];
  },
  strategies: () => [0, 3].map((dim) => ({ inputs: [Shard(dim)], outputs: [Shard(dim)] })),
});

const cube = defineRule({
  kernels: ["Cube"],
  outputs: ({ inputs }) => [inputs[0]!],
  strategies: ({ inputs }) =>
    inputs[0]!.shape.map((_, dim) => ({ inputs: [Shard(dim)], outputs: [Shard(dim)] })),
  attrsKey: () => "",
});

export default defineProgram<{ readonly handling: Handling }, unknown, FallbackFacts>(
  ({ world, options: { handling } }) => {
    registerCube(world);
    const image = tf.tensor4d(
      Array.from({ length: 96 }, (_, i) => (i * 29) % 31),
      [2, 4, 4, 3],
    );
    const rules = handling === "rule" ? [pooling, cube] : [];
    const mesh = createMesh(world, { tp: world.size }, { rules });
    const x = shard(image, mesh, handling === "no rule, replicated inputs" ? {} : { tp: Shard(3) });
    const { result, totals } = countCommunication(world, () => {
      const [first, second] = [pool(x), pool(x)];
      return { pooled: [first, second], cubed: runCube(x) };
    });
    return {
      pooled: [...tf.sub(result.pooled[0]!, tf.mul(2, result.pooled[1]!)).dataSync()],
      cubed: [...result.cubed.dataSync()],
      dense: {
        pooled: [...tf.neg(pool(image)).dataSync()],
        cubed: [...tf.pow(image, tf.scalar(3)).dataSync()],
      },
      placements: [result.pooled[1]!, result.cubed].map((t) => formatPlacement(placementsOf(t).tp!)),
      communication: totals,
      replicated: replicatedKernels(),
    };
  },
);

function pool(x: tf.Tensor): tf.Tensor {
  return tf.maxPool(x as tf.Tensor4D, 2, 2, "valid");
}

function runCube(x: tf.Tensor): tf.Tensor {
  return tf.engine().runKernel("Cube", { x });
}

/** A kernel of the program's own, on the engine; a warm thread has it already. */
function registerCube({ engine }: World): void {
  const registered = tf.getKernelsForBackend(engine.backendName).map(({ kernelName }) => kernelName);
  if (registered.includes("Cube")) return;
  tf.registerKernel({
    kernelName: "Cube",
    backendName: engine.backendName,
    kernelFunc: ({ inputs }) => {
      const x = inputs.x!;
      return engine.create(x.shape, x.dtype, (out) => {
        engine.view(x).forEach((value, i) => (out[i] = value ** 3));
      });
    },
  });
}
