/**
 * A tensor-parallel norm and MLP through `vjp` and `checkpoint`: bits beside tfjs' own gradients, communication per pass,
 * bytes held, and what is left behind.
 */
import {
  defineProgram,
  initialize,
  LayerNorm,
  namedParameters,
  type LedgerTotal,
  type World,
  checkpoint,
  type Pullback,
  vjp,
} from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  localBytes,
  ParallelGeluMLP,
  shard,
  type MeshAxes,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";
import { countMemory, growth, type MemoryCounts } from "./memory-counts.ts";

type Totals = readonly LedgerTotal[];
/** Bits of gradients by name; the input's is called `x`. */
type GradientBits = Readonly<Record<string, readonly number[]>>;
type Block = (x: tf.Tensor) => tf.Tensor;

/** What the forward pass and each backward pass communicated. */
export interface PassTotals {
  readonly forward: Totals;
  readonly inputs: Totals;
  readonly parameters: Totals;
}

export interface AutogradResult {
  /** Per micro-batch, as `tf.grads` has them. */
  readonly expected: readonly GradientBits[];
  /** Per micro-batch: of `vjp`, in flight together; the same with a checkpoint around the block. */
  readonly found: Readonly<Record<"vjp" | "checkpoint", readonly GradientBits[]>>;
  readonly communication: Readonly<Record<"vjp" | "checkpoint", PassTotals>>;
  /** What `tf.grads` communicates for one micro-batch, forward and backward. */
  readonly reference: Totals;
  /** Bytes of activations that a pullback holds: in global shapes, and on this rank. */
  readonly saved: Readonly<Record<"vjp" | "checkpoint", readonly [global: number, local: number]>>;
  readonly growths: readonly MemoryCounts[];
}

const [ROWS, FEATURES, HIDDEN] = [3, 6, 10];
const SEEDS = [1, 2, 3, 4];

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, AutogradResult>(({ world, options }) => {
  const mesh = createMesh(world, { tp: options.mesh.tp! });
  const model = {
    norm: new LayerNorm({ features: FEATURES }),
    mlp: new ParallelGeluMLP({ mesh, axis: "tp", features: FEATURES, hiddenFeatures: HIDDEN }),
  };
  initialize(model, { seed: 5 });
  const parameters = namedParameters(model);
  const block: Block = (x) => tf.tidy(() => tf.square(tf.add(x, model.mlp.apply(model.norm.apply(x)))));
  const input = (seed: number): tf.Tensor => wave(seed, (t) => shard(t, mesh, {}));
  const forward = (f: Block, seed: number): Pullback =>
    inScope(() => vjp(f, [input(seed)], { parameters }).pullback);

  const reference = (seed: number): GradientBits =>
    inScope(() => {
      const x = input(seed);
      const variables = [...parameters.values()].map(({ variable }) => variable);
      const [dx, ...rest] = tf.grads(() => block(x))([x, ...variables], input(seed + 100));
      return toBits(dx!, new Map([...parameters.keys()].map((name, i) => [name, rest[i]!])));
    });

  /** All micro-batches in flight, pulled back last to first, the even ones in two steps. */
  const interleaved = (f: Block): GradientBits[] => {
    const pullbacks = SEEDS.map((seed) => forward(f, seed));
    const bits: GradientBits[] = [];
    for (let i = SEEDS.length - 1; i >= 0; i--) {
      bits[i] = inScope(() => {
        const dy = input(SEEDS[i]! + 100);
        if (i % 2 === 1) {
          const { inputs, parameters: gradients } = pullbacks[i]!.all(dy);
          return toBits(inputs[0]!, gradients);
        }
        const [dx] = pullbacks[i]!.inputs(dy);
        return toBits(dx!, pullbacks[i]!.parameters());
      });
    }
    return bits;
  };

  const both = { vjp: block, checkpoint: checkpoint(block) };
  const before = countMemory(world);
  const found = { vjp: interleaved(both.vjp), checkpoint: interleaved(both.checkpoint) };
  const growths = [growth(before, countMemory(world))];
  for (const f of [both.vjp, both.checkpoint]) {
    const pullback = forward(f, 1);
    inScope(() => pullback.inputs(input(101)));
    pullback.dispose();
    growths.push(growth(before, countMemory(world)));
  }
  return {
    expected: SEEDS.map(reference),
    found,
    communication: {
      vjp: passTotals(world, () => forward(both.vjp, 1), input),
      checkpoint: passTotals(world, () => forward(both.checkpoint, 1), input),
    },
    reference: countCommunication(world, () => {
      inScope(() => {
        const x = input(1);
        const variables = [...parameters.values()].map(({ variable }) => variable);
        // The sums are used, as an optimizer and the stage before would.
        tf.grads(() => block(x))([x, ...variables], input(101)).forEach((gradient) => tf.square(gradient));
      });
    }).totals,
    saved: { vjp: savedBytes(forward(both.vjp, 1)), checkpoint: savedBytes(forward(both.checkpoint, 1)) },
    growths,
  };
});

/** Communication of each pass. Gradients are used within their pass, so that what they owe is paid there. */
function passTotals(world: World, forward: () => Pullback, input: (seed: number) => tf.Tensor): PassTotals {
  const first = countCommunication(world, forward);
  const inputs = countCommunication(world, () => {
    inScope(() => {
      tf.square(first.result.inputs(input(101))[0]!);
    });
  });
  const parameters = countCommunication(world, () => {
    inScope(() => {
      for (const gradient of first.result.parameters().values()) tf.square(gradient);
    });
  });
  return { forward: first.totals, inputs: inputs.totals, parameters: parameters.totals };
}

function savedBytes(pullback: Pullback): [number, number] {
  const bytes: [number, number] = [pullback.savedBytes, localBytes(pullback.savedActivations())];
  pullback.dispose();
  return bytes;
}

/** `[3, 6]`, other values per seed. */
function wave(seed: number, place: (t: tf.Tensor) => tf.Tensor): tf.Tensor {
  return tf.tidy(() =>
    place(tf.reshape(tf.sin(tf.mul(tf.range(0, ROWS * FEATURES), 0.7 + seed / 8)), [ROWS, FEATURES])),
  );
}

function toBits(dx: tf.Tensor, gradients: ReadonlyMap<string, tf.Tensor>): GradientBits {
  const bits: Record<string, readonly number[]> = {};
  for (const [name, gradient] of [["x", dx] as const, ...gradients]) {
    bits[name] = [...new Int32Array(Float32Array.from(gradient.dataSync()).buffer)];
  }
  return bits;
}
