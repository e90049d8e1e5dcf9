/**
 * What two cores can give at best: every rank multiplies matrices, alone and at the same time as the other ranks.
 *
 * @packageDocumentation
 */
import { defineProgram, type World } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";

/** Options of the program; the same on every rank. */
export interface ScalingOptions {
  readonly rounds: number;
}

/** GFLOP/s of this rank, by round. */
export interface ScalingSamples {
  /** While the other ranks sleep; empty on ranks other than 0. */
  readonly alone: readonly number[];
  readonly together: readonly number[];
}

const SIZE = 1024;
const CALLS = 8;

export default defineProgram<ScalingOptions, never, ScalingSamples>(({ world, options }) => {
  const a = tf.ones([SIZE, SIZE]);
  const multiply = (): number => {
    const start = performance.now();
    for (let call = 0; call < CALLS; call++) tf.matMul(a, a).dispose();
    return (CALLS * 2 * SIZE ** 3) / (performance.now() - start) / 1e6;
  };
  multiply();
  const alone: number[] = [];
  const together: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    inTurn(world, () => alone.push(multiply()));
    world.group.barrier();
    together.push(multiply());
  }
  return { alone, together };
});

/** Rank 0 does `body` while the others wait. */
function inTurn(world: World, body: () => void): void {
  world.group.barrier();
  if (world.rank === 0) body();
}
