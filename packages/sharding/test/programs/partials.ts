/**
 * Uses partial values several times, under several names, and counts the all-reduces.
 */
import { defineProgram, type World } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  formatPlacement,
  fromLocal,
  full,
  Partial,
  placementsOf,
  redistribute,
  Replicate,
  Shard,
  type DeviceMesh,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countMemory, growth, type MemoryCounts } from "./memory-counts.ts";

export interface PartialFacts {
  /** All-reduces of each part. */
  readonly reductions: Readonly<Record<string, number>>;
  readonly values: Readonly<Record<string, readonly number[]>>;
  readonly placements: Readonly<Record<string, string>>;
  readonly growth: MemoryCounts;
}

type Mesh = DeviceMesh<{ dp: 2; tp: 2 }>;

export default defineProgram(({ world }): PartialFacts => {
  const mesh = createMesh(world, { dp: 2, tp: 2 });
  const before = countMemory(world);
  const facts = { reductions: {}, values: {}, placements: {} };
  tf.tidy(() => {
    consumers(world, mesh, facts);
    aliases(world, mesh, facts);
    sameTwice(world, mesh, facts);
    variables(world, mesh, facts);
  });
  return { ...facts, growth: growth(before, countMemory(world)) };
});

interface Facts {
  readonly reductions: Record<string, number>;
  readonly values: Record<string, readonly number[]>;
  readonly placements: Record<string, string>;
}

/** `[[1, 2], [3, 4]]` along `tp`: an eighth on `tp` rank 0, the rest on rank 1, both exact in float32. */
function partialMatrix(mesh: Mesh, factor = 1): tf.Tensor {
  const share = mesh.coordinate[1] === 0 ? 0.125 : 0.875;
  const values = Float32Array.of(1, 2, 3, 4).map((value) => value * share * factor);
  return fromLocal({ values, shape: [2, 2] }, mesh, { tp: Partial() });
}

function reductionsOf(world: World, body: () => void): number {
  const { entries } = countCommunication(world, body);
  return entries.filter(({ collective }) => collective === "allReduce").length;
}

const read = (t: tf.Tensor): number[] => [...t.dataSync()];
const along = (t: tf.Tensor): string => Object.values(placementsOf(t)).map(formatPlacement).join();

function consumers(world: World, mesh: Mesh, { reductions, values, placements }: Facts): void {
  const p = partialMatrix(mesh);
  placements.before = along(p);
  reductions["two consumers"] = reductionsOf(world, () => {
    values.square = read(tf.square(p));
    values.minimum = read(tf.minimum(p, 2.5));
  });
  placements.after = along(p);

  const readTwice = partialMatrix(mesh);
  reductions["read twice"] = reductionsOf(world, () => {
    values.read = [...read(readTwice), ...read(readTwice)];
  });
  placements.read = along(readTwice);

  const askedFor = partialMatrix(mesh);
  reductions["asked for"] = reductionsOf(world, () => {
    const replicated = redistribute(askedFor, { tp: Replicate() });
    values["asked for"] = [...read(replicated), ...read(full(askedFor)), ...read(tf.square(askedFor))];
  });
  placements["asked for"] = along(askedFor);
  const cut = partialMatrix(mesh);
  redistribute(cut, { tp: Shard(0) });
  placements["asked to be cut"] = along(cut);

  // Linear consumers put the reduction off.
  const linear = partialMatrix(mesh);
  reductions.linear = reductionsOf(world, () => {
    placements.linear = along(tf.add(tf.neg(linear), linear));
  });

  const onBoth = fromLocal({ values: Float32Array.of(world.rank), shape: [1] }, mesh, {
    dp: Partial("max"),
    tp: Partial("max"),
  });
  reductions["two axes"] = reductionsOf(world, () => {
    values["two axes"] = [...read(tf.square(onBoth)), ...read(tf.exp(onBoth)).map(Math.round)];
  });
}

/** Another name of the same data stays partial when the first is reduced, and alive when the first is disposed. */
function aliases(world: World, mesh: Mesh, { reductions, values, placements }: Facts): void {
  const p = partialMatrix(mesh);
  const view = p.reshape([4]);
  const clone = p.clone();
  reductions["first name"] = reductionsOf(world, () => {
    values["first name"] = read(tf.square(p));
  });
  placements["other name"] = along(view);
  p.dispose();
  reductions["other names"] = reductionsOf(world, () => {
    values["other names"] = [...read(tf.square(view)), ...read(clone)];
  });
}

/** One of the two operands is reduced, the other may stay as it is. */
function sameTwice(world: World, mesh: Mesh, { reductions, values, placements }: Facts): void {
  const p = partialMatrix(mesh);
  reductions["twice the same"] = reductionsOf(world, () => {
    const product = tf.matMul(p, p);
    placements.product = along(product);
    values.product = read(product);
  });
  const q = partialMatrix(mesh);
  reductions["times itself"] = reductionsOf(world, () => {
    values["times itself"] = read(tf.mul(q, q));
  });
  const r = partialMatrix(mesh);
  const sum = tf.add(r, r);
  placements.sum = along(sum);
  values.sum = read(sum);
  values.operands = [...read(p), ...read(q), ...read(r)];
}

function variables(world: World, mesh: Mesh, { reductions, values }: Facts): void {
  const variable = tf.variable(partialMatrix(mesh));
  reductions.variable = reductionsOf(world, () => {
    values.variable = [...read(tf.square(variable)), ...read(variable)];
  });
  variable.assign(partialMatrix(mesh, 2));
  const { value, grads } = tf.variableGrads(() => tf.sum(tf.square(variable)), [variable]);
  values.assigned = [...read(value), ...read(grads[variable.name]!)];
  variable.dispose();
}
