/**
 * Operations along a dim that is split over ranks: what they communicate, and how far they are from dense.
 */
import { defineProgram, type LedgerTotal } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  formatPlacement,
  full,
  placementsOf,
  shard,
  Shard,
  type DeviceMesh,
  type MeshAxes,
  type PlacementSpec,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";
import { countMemory, growth, type MemoryCounts } from "./memory-counts.ts";

export interface SplitDimFacts {
  /** Of the first output, along the last axis of the mesh. */
  readonly placement: string;
  readonly forward: readonly LedgerTotal[];
  /** Forward and backward. */
  readonly whole: readonly LedgerTotal[];
  /** Largest differences from the same operation on whole tensors, relative to its largest value. */
  readonly outputs: number;
  readonly gradients: number;
  readonly leaked: MemoryCounts;
}

/** Rows and elements per row: the rows are long enough that gathering them costs more than what the steps exchange. */
const ROWS = 7;
const LENGTH = 2501;

type Operation = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => tf.Tensor[];

interface Case {
  readonly run: Operation;
  /** How many of `x`, `gamma` and `beta` have a gradient. */
  readonly numGradients: number;
}

const EPSILON = { epsilon: 1e-5 };

const OPERATIONS: Readonly<Record<string, Case>> = {
  softmax: { run: (x) => [tf.softmax(x)], numGradients: 1 },
  layerNorm: {
    run: (x, gamma, beta) =>
      tf.engine().runKernel<tf.Tensor[]>("LayerNorm", { x, gamma, beta }, EPSILON).slice(0, 1),
    numGradients: 3,
  },
  rmsNorm: {
    run: (x, gamma) => tf.engine().runKernel<tf.Tensor[]>("RMSNorm", { x, gamma }, EPSILON).slice(0, 1),
    numGradients: 2,
  },
  cumsum: { run: (x) => [tf.cumsum(x, 1, true)], numGradients: 1 },
  topK: {
    run: (x) => {
      const { values, indices } = tf.topk(x, 3);
      return [values, indices];
    },
    numGradients: 0,
  },
  argMax: { run: (x) => [tf.argMax(x, 1)], numGradients: 0 },
  pieces: { run: (x) => tf.split(x, [1700, 801], 1), numGradients: 1 },
};

type Inputs = [x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor];

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, Readonly<Record<string, SplitDimFacts>>>(
  ({ world, options }) => {
    const mesh = createMesh(world, options.mesh);
    const axes = mesh.axisNames;
    const cut = (dim: number): PlacementSpec => Object.fromEntries(axes.map((axis) => [axis, Shard(dim)]));
    const facts: Record<string, SplitDimFacts> = {};
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      const before = countMemory(world);
      const found = inScope(() => measure(mesh, cut, operation));
      facts[name] = { ...found, leaked: growth(before, countMemory(world)) };
    }
    return facts;
  },
);

function measure(
  mesh: DeviceMesh,
  cut: (dim: number) => PlacementSpec,
  { run, numGradients }: Case,
): Omit<SplitDimFacts, "leaked"> {
  const wave = (size: number, step: number): tf.Tensor1D =>
    tf.tensor1d(Float32Array.from({ length: size }, (_, i) => Math.sin(i * step)));
  const whole: Inputs = [
    shard(wave(ROWS * LENGTH, 0.7).reshape([ROWS, LENGTH]), mesh, {}),
    shard(wave(LENGTH, 0.3), mesh, {}),
    shard(wave(LENGTH, 1.1), mesh, {}),
  ];
  const [x, gamma, beta] = whole;
  const split: Inputs = [shard(x, mesh, cut(1)), shard(gamma, mesh, cut(0)), shard(beta, mesh, cut(0))];
  const forward = countCommunication(mesh.world, () => run(...split));
  const dense = run(...whole);
  const placement = formatPlacement(Object.values(placementsOf(forward.result[0]!)).at(-1)!);
  const outputs = largestDifference(forward.result, dense);
  if (numGradients === 0) {
    return { placement, forward: forward.totals, whole: forward.totals, outputs, gradients: 0 };
  }
  const gradientsOf = (inputs: Inputs): tf.Tensor[] =>
    tf.grads((...used: tf.Tensor[]) => {
      const results = run(...([...used, ...inputs.slice(numGradients)] as Inputs));
      return tf.addN(results.map((y, i) => tf.sum(tf.mul(y, tf.sin(tf.add(y, i))))));
    })(inputs.slice(0, numGradients));
  const backward = countCommunication(mesh.world, () => gradientsOf(split));
  const gradients = largestDifference(backward.result, gradientsOf(whole));
  return { placement, forward: forward.totals, whole: backward.totals, outputs, gradients };
}

function largestDifference(found: readonly tf.Tensor[], dense: readonly tf.Tensor[]): number {
  const largest = (t: tf.Tensor): number => tf.max(tf.abs(t)).dataSync()[0]!;
  return Math.max(
    ...found.map((t, i) => largest(tf.sub(full(t), full(dense[i]!))) / largest(full(dense[i]!))),
  );
}
