/**
 * Proves a schedule before it runs: it is complete, in order, and comes to its end.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { communicationSteps, type Step } from "./communication.ts";
import { completenessProblems } from "./completeness.ts";
import { describeCycle } from "./deadlock.ts";
import { throwProblems } from "./problems.ts";
import type { Schedule } from "./schedule.ts";
import { walkSteps } from "./walk-steps.ts";

/** Under which conditions a schedule must come to its end. */
export interface CheckOptions {
  /**
   * Messages that a transport holds between a sender and a receiver (an ordered pair of ranks) before the next send
   * blocks; 0 for sends that block until they are received. Default: no bound.
   */
  readonly bufferedMessages?: number;
}

/** What was proven. */
export interface ScheduleProof {
  /** Actions of all ranks together. */
  readonly numActions: number;
  /** Messages between ranks. */
  readonly numMessages: number;
}

/**
 * Proves that every stage takes every micro-batch through `F` and `B`, or `F`, `I` and `W`, exactly once and in an order
 * that can be computed, and that with the derived sends and receives no rank waits for ever, whatever the timing. (A schedule
 * that holds nothing but `F` is an evaluation, and complete so.)
 *
 * @example
 * ```ts
 * checkSchedule(oneFOneB({ numRanks: 4, numMicroBatches: 8 }), { bufferedMessages: 1 });
 * // { numActions: 64, numMessages: 48 }
 * ```
 * @throws ContractError that lists what is missing, double or out of order, or prints the cycle of ranks that wait for
 *   each other.
 */
export function checkSchedule(schedule: Schedule, options: CheckOptions = {}): ScheduleProof {
  const { bufferedMessages = Infinity } = options;
  requireBuffer("checkSchedule", bufferedMessages);
  const where = `checkSchedule (schedule "${schedule.name}")`;
  throwProblems(where, completenessProblems(schedule));
  const steps = communicationSteps(schedule);
  const positions = walkSteps(steps, { bufferedMessages });
  if (!isDone(steps, positions)) {
    throw new ContractError(`${where}: ${deadlockText(steps, { positions, bufferedMessages })}`);
  }
  return {
    numActions: schedule.actions.flat().length,
    numMessages: steps.flat().filter(({ kind }) => kind === "send").length,
  };
}

/**
 * The smallest `bufferedMessages` with which a schedule comes to its end: what a transport must hold per ordered pair of
 * ranks.
 *
 * @throws ContractError if it does not come to its end with any, or is not complete.
 */
export function minBufferedMessages(schedule: Schedule): number {
  checkSchedule(schedule);
  return smallestBuffer(communicationSteps(schedule));
}

/** @throws ContractError unless the buffer is a count or has no bound. */
export function requireBuffer(where: string, bufferedMessages: number): void {
  if (bufferedMessages === Infinity || (Number.isInteger(bufferedMessages) && bufferedMessages >= 0)) return;
  throw new ContractError(
    `${where}: bufferedMessages (${bufferedMessages}) must be an integer of at least 0, or Infinity; use 1.`,
  );
}

function isDone(steps: readonly (readonly Step[])[], positions: readonly number[]): boolean {
  return steps.every(({ length }, rank) => positions[rank] === length);
}

/** Bisects: a larger buffer never blocks a send that a smaller one lets through. */
function smallestBuffer(steps: readonly (readonly Step[])[]): number {
  let low = 0;
  let high = steps.flat().filter(({ kind }) => kind === "send").length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isDone(steps, walkSteps(steps, { bufferedMessages: middle }))) high = middle;
    else low = middle + 1;
  }
  return low;
}

function deadlockText(
  steps: readonly (readonly Step[])[],
  {
    positions,
    bufferedMessages,
  }: { readonly positions: readonly number[]; readonly bufferedMessages: number },
): string {
  const cycle = describeCycle(steps, positions);
  if (!isDone(steps, walkSteps(steps, { bufferedMessages: Infinity }))) {
    return `the actions must have an order in which no rank waits for ever; use another order, which breaks this cycle:\n${cycle}`;
  }
  return `bufferedMessages (${bufferedMessages}) must be at least ${smallestBuffer(steps)}; use ${smallestBuffer(steps)}, or another order, which breaks this cycle:\n${cycle}`;
}
