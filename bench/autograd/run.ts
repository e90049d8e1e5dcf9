/**
 * What `vjp` and `checkpoint` cost beside tfjs' own gradients: microseconds per operation, and bytes per micro-batch.
 *
 * @packageDocumentation
 */
import {
  denseParts,
  GPTBlock,
  initialize,
  namedParameters,
  startEngine,
  checkpoint,
  vjp,
} from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { interleave, summarize, type Summary } from "../statistics.ts";

/** Settings of the benchmark. */
export interface AutogradBenchOptions {
  readonly engine: "wasm" | "cpu";
  /** Samples per figure. Default 41. */
  readonly samples?: number;
}

/** All figures. */
export interface AutogradBenchResult {
  readonly engine: string;
  readonly numOperations: number;
  /** Microseconds per recorded operation of two elements: forward and backward pass together. */
  readonly microseconds: Readonly<Record<string, Summary>>;
  /** Milliseconds of a transformer block on `[2, 64, 128]`, forward and backward. */
  readonly blockMilliseconds: Readonly<Record<string, Summary>>;
  /** Bytes of activations that the block's pullback holds. */
  readonly blockBytes: Readonly<Record<string, number>>;
}

type Way = (f: (x: tf.Tensor) => tf.Tensor) => void;

const NUM_OPERATIONS = 200;
const [BATCH, POSITIONS, FEATURES] = [2, 64, 128];

/** Measures on this thread. */
export async function runAutogradBench({
  engine,
  samples = 41,
}: AutogradBenchOptions): Promise<AutogradBenchResult> {
  await startEngine({ prefer: engine });
  const chain = measureChain(samples);
  return { engine, numOperations: NUM_OPERATIONS, microseconds: chain, ...measureBlock(samples) };
}

/** A product of 200 tiny variables. */
function measureChain(rounds: number): Readonly<Record<string, Summary>> {
  const variables = Array.from({ length: NUM_OPERATIONS }, (_, i) =>
    tf.tidy(() => tf.variable(tf.tensor1d([1 + i / 1000, 2]))),
  );
  const f = (x: tf.Tensor): tf.Tensor =>
    tf.tidy(() => variables.reduce<tf.Tensor>((product, w) => tf.mul(product, w), x));
  return sample(waysOf(tf.ones([2]), variables), f, { rounds, perSecond: 1e6 / NUM_OPERATIONS });
}

function measureBlock(rounds: number): Pick<AutogradBenchResult, "blockMilliseconds" | "blockBytes"> {
  const initializer = { kind: "normal", std: 0.02 } as const;
  const block = new GPTBlock({
    ...{
      features: FEATURES,
      heads: 4,
      mlpFeatures: 4 * FEATURES,
      initializer,
      residualInitializer: initializer,
    },
    parts: denseParts(),
  });
  initialize(block, { seed: 1 });
  const parameters = namedParameters(block);
  const x = tf.randomNormal([BATCH, POSITIONS, FEATURES]);
  const f = (input: tf.Tensor): tf.Tensor => block.apply(input);
  const heldBy = (g: typeof f): number => {
    const { value, pullback } = vjp(g, [x], { parameters });
    const bytes = pullback.savedBytes;
    pullback.dispose();
    value.dispose();
    return bytes;
  };
  const variables = [...parameters.values()].map(({ variable }) => variable);
  return {
    blockMilliseconds: sample(waysOf(x, variables), f, { rounds, perSecond: 1e3 }),
    blockBytes: { input: 4 * x.size, vjp: heldBy(f), checkpoint: heldBy(checkpoint(f)) },
  };
}

/** Forward and backward by each way, everything freed. */
function waysOf(x: tf.Tensor, variables: tf.Variable[]): Readonly<Record<string, Way>> {
  const dy = tf.onesLike(x);
  const pulledBack =
    (wrap: typeof checkpoint, inSteps: boolean): Way =>
    (f) => {
      tf.tidy(() => {
        const { pullback } = vjp(wrap(f), [x], { parameters: variables });
        if (!inSteps) pullback.all(dy);
        else {
          pullback.inputs(dy);
          pullback.parameters();
        }
      });
    };
  return {
    "tf.variableGrads": (f) => {
      tf.tidy(() => {
        tf.variableGrads(() => tf.sum(f(x)), variables);
      });
    },
    "tf.grads": (f) => {
      tf.tidy(() => {
        tf.grads(() => f(x))([x, ...variables], dy);
      });
    },
    "vjp, all": pulledBack((g) => g, false),
    "vjp, inputs then parameters": pulledBack((g) => g, true),
    "vjp of a checkpoint": pulledBack(checkpoint, false),
  };
}

function sample(
  ways: Readonly<Record<string, Way>>,
  f: (x: tf.Tensor) => tf.Tensor,
  { rounds, perSecond }: { readonly rounds: number; readonly perSecond: number },
): Readonly<Record<string, Summary>> {
  const measurements = Object.fromEntries(
    Object.entries(ways).map(([name, way]) => [
      name,
      () => {
        const start = performance.now();
        way(f);
        return ((performance.now() - start) / 1000) * perSecond;
      },
    ]),
  );
  const samples = interleave(measurements, { rounds, warmUp: Math.ceil(rounds / 2) });
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, summarize(values)]));
}
