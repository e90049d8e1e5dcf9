/**
 * ZBV: two chunks per rank in the shape of a V, and no idle time between a rank's first and last action.
 *
 * ```
 *   p = 3, m = 5, v = 2; F = I = W = 1; F0 is chunk 0, f0 is chunk 1
 *   rank 0  F0 F1 F2 F3 F4 f0 i0 w0 f1 i1 w1 f2 i2 w2 I0 W0 f3 i3 w3 I1 W1 f4 i4 w4 I2 W2 I3 W3 I4 W4 .. ..
 *   rank 1  .. F0 F1 F2 f0 F3 f1 i0 w0 f2 i1 w1 F4 I0 W0 f3 i2 w2 I1 W1 f4 i3 w3 I2 i4 I3 W2 I4 W3 w4 W4 ..
 *   rank 2  .. .. F0 f0 F1 f1 F2 f2 i0 w0 F3 I0 W0 f3 i1 w1 F4 I1 W1 f4 i2 w2 I2 i3 I3 i4 I4 W2 w3 w4 W3 W4
 * ```
 *
 * @packageDocumentation
 */
import type { Action, Schedule } from "../schedule.ts";
import { forward, inputGradient, weightGradient } from "./actions.ts";
import { requireSizes, type ScheduleSizes } from "./sizes.ts";
import { perRank, vShapedStages } from "./stage-placement.ts";

/** The chunk on the way down the V, and the one on the way up. */
const DOWN = 0;
const UP = 1;

/**
 * Rank r holds the stages r and `2p - 1 - r`, so the last stage is on rank 0, and rank `p - 1` hands over to itself without a
 * message. With `F = I = W` and `m >= 2p - 1` ranks idle only until the first micro-batch has come down to them,
 * `(p - 1) F`; fewer micro-batches leave gaps. A rank keeps at most `2p` inputs of chunks, the p whole ones of 1F1B.
 *
 * @example
 * ```ts
 * zbV({ numRanks: 4, numMicroBatches: 8 });
 * ```
 * @throws ContractError if a size is not a positive integer.
 * @see Qi et al. 2024, "Pipeline Parallelism with Controllable Memory", section 3, https://arxiv.org/abs/2405.15362;
 *   the V-shaped placement and the name: Qi et al. 2023, section 6, https://arxiv.org/abs/2401.10241
 */
export function zbV(options: ScheduleSizes): Schedule {
  requireSizes("zbV", options);
  const { numRanks, numMicroBatches } = options;
  return {
    name: "zbv",
    numRanks,
    numMicroBatches,
    stages: vShapedStages(numRanks),
    recompute: false,
    // The pattern needs 2p - 1 micro-batches to close; of a longer schedule, those that do not exist are left out.
    actions: perRank(numRanks, (rank) =>
      rankActions(rank, { numRanks, numMicroBatches: Math.max(numMicroBatches, 2 * numRanks - 1) }).filter(
        ({ microBatch }) => microBatch < numMicroBatches,
      ),
    ),
  };
}

/** Writes down a rank's actions; each kind goes through each chunk's micro-batches in order. */
class RankScript {
  readonly actions: Action[] = [];
  readonly #done = { F: [0, 0], I: [0, 0], W: [0, 0] };

  forward(chunk: number): void {
    this.actions.push(forward(this.#next("F", chunk), chunk));
  }

  inputGradient(chunk: number): void {
    this.actions.push(inputGradient(this.#next("I", chunk), chunk));
  }

  weightGradient(chunk: number): void {
    this.actions.push(weightGradient(this.#next("W", chunk), chunk));
  }

  /** Both gradients, one after the other. */
  backward(chunk: number): void {
    this.inputGradient(chunk);
    this.weightGradient(chunk);
  }

  done(kind: "F" | "I" | "W", chunk: number): number {
    return this.#done[kind][chunk]!;
  }

  #next(kind: "F" | "I" | "W", chunk: number): number {
    const next = this.#done[kind][chunk]!;
    this.#done[kind][chunk] = next + 1;
    return next;
  }
}

function rankActions(rank: number, sizes: ScheduleSizes): Action[] {
  const script = new RankScript();
  const below = sizes.numRanks - rank;
  warmUp(script, { rank, below });
  // Steady: one forward and one whole backward pass per chunk in turn.
  while (script.done("F", UP) < sizes.numMicroBatches) {
    if (script.done("F", DOWN) < sizes.numMicroBatches) script.forward(DOWN);
    script.backward(DOWN);
    script.forward(UP);
    script.backward(UP);
  }
  coolDown(script, { rank, below });
  return script.actions;
}

/** Fills the V: `2 * below - 1` micro-batches are between this rank and its own second chunk. */
function warmUp(
  script: RankScript,
  { rank, below }: { readonly rank: number; readonly below: number },
): void {
  for (let i = 0; i < 2 * below - 1; i++) script.forward(DOWN);
  for (let i = 0; i < rank; i++) {
    script.forward(UP);
    script.forward(DOWN);
  }
  for (let i = 0; i < below; i++) {
    script.forward(UP);
    script.backward(UP);
  }
}

/** Passes the last input gradients on first; the weight gradients left behind fill the time until all ranks are done. */
function coolDown(
  script: RankScript,
  { rank, below }: { readonly rank: number; readonly below: number },
): void {
  for (let i = 0; i < rank; i++) {
    script.inputGradient(DOWN);
    script.inputGradient(UP);
  }
  for (let i = 0; i < below; i++) {
    script.inputGradient(DOWN);
    script.weightGradient(DOWN);
  }
  for (const chunk of [UP, DOWN]) {
    while (script.done("W", chunk) < script.done("I", chunk)) script.weightGradient(chunk);
  }
}
