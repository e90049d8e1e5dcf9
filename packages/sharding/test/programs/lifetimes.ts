/**
 * Makes, shares and disposes sharded tensors in every way that tfjs knows, and says what grew meanwhile.
 */
import { defineProgram } from "@meshwright/core";
import {
  createMesh,
  liveBytes,
  Partial,
  placementsOf,
  redistribute,
  shard,
  Shard,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countMemory, growth, type MemoryCounts } from "./memory-counts.ts";

type Facts = Readonly<Record<string, readonly number[]>>;

export interface Lifetimes {
  readonly facts: Readonly<Record<string, Facts>>;
  /** What each part left behind. */
  readonly growths: Readonly<Record<string, MemoryCounts>>;
}

export default defineProgram(async ({ world }): Promise<Lifetimes> => {
  // The run before may have left its own backend current.
  await tf.setBackend(world.engine.backendName);
  const early = tf.tensor1d([1, 2, 3, 4]);
  const earlyView = early.reshape([2, 2]);
  const earlyInts = tf.tensor1d([7, 8], "int32");
  const mesh = createMesh(world, { tp: world.size });
  const facts: Record<string, Facts> = {};
  const growths: Record<string, MemoryCounts> = {};
  const part = (name: string, body: () => Facts): void => {
    const before = countMemory(world);
    facts[name] = body();
    growths[name] = growth(before, countMemory(world));
  };
  const values = (t: tf.Tensor): number[] => [...t.dataSync()];
  /** `[4]`, two elements per rank. */
  const split = (first: number): tf.Tensor =>
    tf.tidy(() => shard(tf.range(first, first + 4), mesh, { tp: Shard(0) }));

  part("tidy", () => {
    const result = tf.tidy(() => {
      const x = split(1);
      const p = tf.sum(tf.mul(tf.reshape(x, [2, 2]), x.reshape([2, 2]).transpose()), 0);
      return [...values(redistribute(x, { tp: Partial() })), ...values(tf.square(p))];
    });
    return { values: result };
  });
  part("keep", () => {
    let kept: tf.Tensor | undefined;
    tf.tidy(() => {
      kept = tf.keep(tf.square(split(1)));
    });
    const alive = values(kept!);
    kept!.dispose();
    return { values: alive };
  });
  part("sharing", () => {
    const start = liveBytes();
    const x = split(5);
    const clone = x.clone();
    const view = x.reshape([4, 1]);
    const shared = liveBytes() - start;
    x.dispose();
    view.dispose();
    const left = liveBytes() - start;
    const alive = values(clone);
    clone.dispose();
    return { bytes: [shared, left], values: alive };
  });
  part("variable", () => {
    const start = liveBytes();
    const first = split(1);
    const variable = tf.variable(first);
    first.dispose();
    for (let i = 0; i < 9; i++) {
      tf.tidy(() => {
        variable.assign(tf.add(variable, 1));
      });
    }
    const bytes = liveBytes() - start;
    const alive = values(variable);
    variable.dispose();
    return { bytes: [bytes], values: alive };
  });
  part("disposed twice", () => {
    const x = split(1);
    const clone = x.clone();
    x.dispose();
    x.dispose();
    const alive = values(clone);
    clone.dispose();
    clone.dispose();
    return { values: alive };
  });
  part("lists", () => {
    // Rank 1 holds nothing of these, and must return a list of one all the same.
    return tf.tidy(() => {
      const row = shard(tf.range(3, 7).reshape([1, 4]), mesh, { tp: Shard(0) });
      const one = shard(tf.tensor2d([[9]]), mesh, { tp: Shard(0) });
      return { split: values(tf.split(row, 1, 1)[0]!), unstack: values(tf.unstack(one, 1)[0]!) };
    });
  });
  part("failed kernel", () => {
    return tf.tidy(() => {
      const x = redistribute(shard(tf.ones([2, 3]), mesh, {}), { tp: Partial() });
      let failures = 0;
      try {
        tf.matMul(x, tf.ones([4, 2]));
      } catch {
        failures++;
      }
      return { failures: [failures], values: values(x) };
    });
  });
  facts.adoption = {
    sum: tf.tidy(() => values(tf.add(early, split(0)))),
    placements: [Object.keys(placementsOf(early)).length],
  };
  const variable = tf.variable(earlyInts);
  earlyInts.dispose();
  facts.adoption = { ...facts.adoption, variable: values(variable), view: values(earlyView) };
  early.dispose();
  facts.adoption = { ...facts.adoption, viewAlone: values(earlyView) };
  earlyView.dispose();
  variable.dispose();
  growths.adoption = countMemory(world);
  return { facts, growths };
});
