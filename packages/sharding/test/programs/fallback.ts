/**
 * Runs kernels without a rule, one that tfjs brings and one of the program's own, or gives the latter one.
 */
import { defineProgram, type LedgerTotal, type World } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  defineRule,
  formatPlacement,
  placementsOf,
  replicatedKernels,
  Replicate,
  shard,
  Shard,
  type FallbackReport,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** What the run does with the kernels. */
export type Handling = "no rule" | "no rule, replicated inputs" | "rule";

export interface FallbackFacts {
  readonly distinct: readonly number[];
  readonly cubed: readonly number[];
  readonly dense: { readonly distinct: readonly number[]; readonly cubed: readonly number[] };
  readonly placements: readonly string[];
  readonly communication: readonly LedgerTotal[];
  readonly replicated: readonly FallbackReport[];
}

/** Right in this program only: its images differ in every channel, so that all are kept. */
const unique = defineRule({
  kernels: ["Unique"],
  outputs: ({ inputs: [x] }) => [x!, { shape: [x!.shape[0]!], dtype: "int32" }],
  strategies: () => [{ inputs: [Shard(3)], outputs: [Shard(3), Replicate()] }],
  attrsKey: () => "",
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
    const rules = handling === "rule" ? [unique, cube] : [];
    const mesh = createMesh(world, { tp: world.size }, { rules });
    const x = shard(image, mesh, handling === "no rule, replicated inputs" ? {} : { tp: Shard(3) });
    const { result, totals } = countCommunication(world, () => {
      const [first, second] = [distinctImages(x), distinctImages(x)];
      return { distinct: [first, second], cubed: runCube(x) };
    });
    return {
      distinct: [...negated(result.distinct[0]!, result.distinct[1]!).dataSync()],
      cubed: [...result.cubed.dataSync()],
      dense: {
        distinct: [...negated(distinctImages(image), distinctImages(image)).dataSync()],
        cubed: [...tf.pow(image, tf.scalar(3)).dataSync()],
      },
      placements: [result.distinct[1]!, result.cubed].map((t) => formatPlacement(placementsOf(t).tp!)),
      communication: totals,
      replicated: replicatedKernels(),
    };
  },
);

function distinctImages(x: tf.Tensor): tf.Tensor {
  return tf.unique(x, 0).values;
}

/** `a - 2b`: both are read. */
function negated(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.sub(a, tf.mul(2, b));
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
