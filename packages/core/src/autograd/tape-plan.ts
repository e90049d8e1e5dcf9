/**
 * Which gradients a backward pass has to compute, decided before it starts.
 *
 * ```
 *   first leaves  --+--> [node] --> [node] --> output      the nodes on such paths are the steps,
 *   second leaves --+       \--> unused                    the others are dropped
 * ```
 *
 * A tensor that depends on a first leaf has its gradient in the first pass. One that depends on second leaves alone, such
 * as a weight or the transpose of a weight, waits for the second.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { carriesGradient, type TapeNode, type WantedNames } from "./tape-node.ts";

/** One node of the backward pass and the inputs whose gradients are wanted. */
export interface Step extends WantedNames {
  readonly node: TapeNode;
}

/** The tensors whose gradients are wanted, and the one that is differentiated. */
export interface Leaves {
  readonly first: readonly Tensor[];
  readonly second: readonly Tensor[];
  readonly output: Tensor;
}

/** The steps in the order of the backward pass, and the nodes that have no part in it. */
export interface TapePlan {
  readonly steps: readonly Step[];
  readonly dropped: readonly TapeNode[];
}

const FROM_FIRST = 1;
const FROM_SECOND = 2;

/** Decides the steps. Takes time linear in the size of the tape. */
export function planTape(tape: readonly TapeNode[], { first, second, output }: Leaves): TapePlan {
  const origin = originsOf(tape, first, second);
  const leadsToOutput = new Set([output.id]);
  const steps: Step[] = [];
  const dropped: TapeNode[] = [];
  for (let i = tape.length - 1; i >= 0; i--) {
    const node = tape[i]!;
    if (!node.outputs.some(({ id }) => leadsToOutput.has(id) && origin.has(id))) {
      dropped.push(node);
      continue;
    }
    const step = { node, first: [] as string[], second: [] as string[] };
    for (const name in node.inputs) {
      const { id } = node.inputs[name]!;
      const from = origin.get(id);
      if (from === undefined) continue;
      leadsToOutput.add(id);
      ((from & FROM_FIRST) === 0 ? step.second : step.first).push(name);
    }
    steps.push(step);
  }
  return { steps, dropped };
}

/** Positions in `leaves` by the step after which nothing more is added to their gradients. */
export function lastUses(
  steps: readonly Step[],
  leaves: readonly Tensor[],
): ReadonlyMap<Step, readonly number[]> {
  const lastStep = new Map<number, Step>();
  for (const step of steps) {
    for (const name of [...step.first, ...step.second]) lastStep.set(step.node.inputs[name]!.id, step);
  }
  const leavesOf = new Map<Step, number[]>();
  leaves.forEach(({ id }, leaf) => {
    const step = lastStep.get(id);
    if (step === undefined) return;
    const others = leavesOf.get(step);
    if (others === undefined) leavesOf.set(step, [leaf]);
    else others.push(leaf);
  });
  return leavesOf;
}

/** The inputs of a step whose gradients are wanted, by name. */
export function wantedInputs({ node, first, second }: Step): Readonly<Record<string, Tensor>> {
  const wanted: Record<string, Tensor> = {};
  for (const name of first) wanted[name] = node.inputs[name]!;
  for (const name of second) wanted[name] = node.inputs[name]!;
  return wanted;
}

/** From which leaves each tensor comes, by id; tensors that come from none, or have no gradient, are absent. */
function originsOf(
  tape: readonly TapeNode[],
  first: readonly Tensor[],
  second: readonly Tensor[],
): ReadonlyMap<number, number> {
  const origin = new Map<number, number>();
  for (const { id } of second) origin.set(id, FROM_SECOND);
  for (const { id } of first) origin.set(id, FROM_FIRST | (origin.get(id) ?? 0));
  for (const { inputs, outputs } of tape) {
    let from = 0;
    for (const name in inputs) from |= origin.get(inputs[name]!.id) ?? 0;
    if (from === 0) continue;
    for (const output of outputs) if (carriesGradient(output)) origin.set(output.id, from);
  }
  return origin;
}
