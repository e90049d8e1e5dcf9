/**
 * Says why ranks that are stuck wait for each other.
 *
 * @packageDocumentation
 */
import { InternalError } from "@meshwright/core";
import type { StageMessage, Step } from "./communication.ts";

/**
 * The cycle of waiting ranks, a line each; `positions[rank]` is the step at which the rank is stuck.
 *
 * ```
 * - rank 0 waits before B0 of stage 0 for the gradient of micro-batch 0 from rank 1,
 * - rank 1 waits before F1 of stage 1 for the activation of micro-batch 1 from rank 0.
 * ```
 */
export function describeCycle(steps: readonly (readonly Step[])[], positions: readonly number[]): string {
  const ranks = findCycle(steps, positions);
  const lines = ranks.map((rank) => `- rank ${rank} ${describeWait(steps[rank]!, positions[rank]!)}`);
  return `${lines.join(",\n")}.`;
}

/** The ranks of one cycle, each of which waits for the next one and the last for the first. */
function findCycle(steps: readonly (readonly Step[])[], positions: readonly number[]): number[] {
  const path: number[] = [];
  let rank = steps.findIndex(({ length }, index) => positions[index]! < length);
  while (!path.includes(rank)) {
    path.push(rank);
    rank = peerOf(steps[rank]?.[positions[rank]!]);
  }
  return path.slice(path.indexOf(rank));
}

/** The rank that a blocked step waits for. */
function peerOf(step: Step | undefined): number {
  if (step === undefined || step.kind === "action") {
    throw new InternalError("a rank that is stuck waits for one that is not");
  }
  return step.kind === "receive" ? step.message.from : step.message.to;
}

function describeWait(steps: readonly Step[], position: number): string {
  const step = steps[position]!;
  if (step.kind === "send") {
    const after = describeAction(steps.slice(0, position).findLast(({ kind }) => kind === "action"));
    return `waits after ${after} until rank ${step.message.to} has room for ${describeMessage(step.message)}`;
  }
  const before = describeAction(steps.slice(position).find(({ kind }) => kind === "action"));
  if (step.kind === "action") return `waits before ${before}`;
  return `waits before ${before} for ${describeMessage(step.message)} from rank ${step.message.from}`;
}

function describeAction(step: Step | undefined): string {
  if (step?.kind !== "action") throw new InternalError("a message belongs to no action");
  return `${step.action.kind}${step.action.microBatch} of stage ${step.stage}`;
}

function describeMessage({ payload, microBatch }: StageMessage): string {
  return `the ${payload} of micro-batch ${microBatch}`;
}
