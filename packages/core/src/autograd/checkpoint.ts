/**
 * Recompute: activations are not kept for the backward pass but computed again when it arrives.
 *
 * ```
 *   tape of the caller    ... --> [checkpoint: inputs, captured tensors] --> ...
 *   backward                       f again, on a tape of its own, then backwards over that
 * ```
 *
 * @packageDocumentation
 */
import { zerosLike, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { replayCalls } from "./call-index.ts";
import { CaptureTape, type CallCounter } from "./capture-tape.ts";
import { appendNode, firstNewId, inScope, isRecording, recordOn, save, withData } from "./engine-tape.ts";
import { refuseRecording } from "./pullback.ts";
import { ReverseWalk } from "./reverse-walk.ts";
import {
  carriesGradient,
  type GradientClosures,
  type GradientWalk,
  type TapeNode,
  type WantedInputs,
  type WantedNames,
} from "./tape-node.ts";

type AnyFunction = (...inputs: Tensor[]) => Tensor;

/** A tensor of the outside that `f` used, and the clone that keeps its data. */
interface Captured {
  readonly tensor: Tensor;
  readonly dataId: Tensor["dataId"];
  readonly saved: Tensor;
}

/** A forward pass that can be run again. */
interface Recomputation {
  readonly f: AnyFunction;
  /** What `f` was called with: saved clones of the inputs. */
  readonly args: readonly Tensor[];
  readonly captured: readonly Captured[];
  readonly counters: ReadonlyMap<CallCounter, number>;
  readonly numNodes: number;
  readonly shape: readonly number[];
}

/**
 * `f`, trading time for memory: under a gradient (`vjp`, `tf.grads`, `tf.variableGrads`) it saves only its inputs and
 * runs again in the backward pass. Values and gradients are the same, bit for bit.
 *
 * What `f` uses from outside, parameters or other tensors, gets its gradient as if there were no checkpoint, and is
 * what it was in the forward pass when `f` runs again, even if it was disposed or assigned meanwhile. Dropout layers
 * draw the same masks again (see `nextCallIndex`). Checkpoints may be nested.
 *
 * `f` must do the same each time: take its randomness from `nextCallIndex` (`tf.randomNormal` and `tf.dropout` would
 * draw anew), assign no variables, and take no gradients itself.
 *
 * Communication: collectives inside `f` happen again in the backward pass, in the same order on every rank.
 *
 * @returns a function whose result the caller's scope owns. Without a gradient around it, it is `f`.
 * @example
 * ```ts
 * const block = checkpoint((x: Tensor) => model.blocks[0].apply(x));
 * const { loss, grads } = gradients(model, () => crossEntropy(head(block(x)), labels));
 * ```
 * @throws ContractError in the backward pass, if `f` did something else the second time, or under a gradient of a
 * gradient.
 * @see Chen et al. 2016, "Training deep nets with sublinear memory cost", section 4, https://arxiv.org/abs/1604.06174
 */
export function checkpoint<Inputs extends readonly Tensor[], Value extends Tensor>(
  f: (...inputs: Inputs) => Value,
): (...inputs: Inputs) => Value {
  return (...inputs) => {
    const value = isRecording()
      ? runCaptured((...args) => f(...(args as readonly Tensor[] as Inputs)), inputs)
      : inScope(
          () => f(...inputs),
          (result) => result,
        );
    return value as Value;
  };
}

/** Runs `f` without keeping what it saves, and adds one node for all of it to the tape that records. */
function runCaptured(f: AnyFunction, inputs: readonly Tensor[]): Tensor {
  const args = inputs.map(save);
  const tape = new CaptureTape(firstNewId());
  let value: Tensor;
  try {
    value = recordOn(tape, () => runOwned(f, args));
  } catch (error) {
    for (const arg of args) arg.dispose();
    throw error;
  }
  const captured = tape.captured
    .filter((tensor) => !args.includes(tensor))
    .map((tensor) => ({ tensor, dataId: tensor.dataId, saved: save(tensor) }));
  const { counters, numNodes } = tape;
  appendNode(nodeOf({ f, args, captured, counters, numNodes, shape: value.shape }, inputs, value));
  return value;
}

/** Runs `f` in a scope of its own; the result is a tensor of its own too. */
function runOwned(f: AnyFunction, args: readonly Tensor[]): Tensor {
  const since = firstNewId();
  return inScope(
    () => {
      const value = f(...args);
      return value.id < since ? value.clone() : value;
    },
    (value) => value,
  );
}

function nodeOf(recomputation: Recomputation, inputs: readonly Tensor[], value: Tensor): TapeNode {
  const { args, captured } = recomputation;
  const outside: Record<string, Tensor> = {};
  const leaves: Record<string, Tensor> = {};
  const add = (name: string, tensor: Tensor, leaf: Tensor): void => {
    if (!carriesGradient(tensor)) return;
    outside[name] = tensor;
    leaves[name] = leaf;
  };
  inputs.forEach((input, i) => {
    add(`input ${i}`, input, args[i]!);
  });
  captured.forEach(({ tensor }, i) => {
    add(`captured ${i}`, tensor, tensor);
  });
  const recompute = (wanted: WantedNames): GradientWalk => runAgain(recomputation, leaves, wanted);
  return {
    kernelName: "Checkpoint",
    inputs: outside,
    outputs: [value],
    saved: [...args, ...captured.map(({ saved }) => saved)],
    recompute,
    gradient(this: WantedInputs, [dy]) {
      return closuresOf(recompute, leaves, { dy: dy!, wanted: Object.keys(this.inputs) });
    },
  };
}

/** The gradients for tfjs' own backward pass, which wants all of them at once. */
function closuresOf(
  recompute: (wanted: WantedNames) => GradientWalk,
  leaves: Readonly<Record<string, Tensor>>,
  { dy, wanted }: { readonly dy: Tensor; readonly wanted: readonly string[] },
): GradientClosures {
  refuseRecording("checkpoint");
  const { first } = recompute({ first: wanted, second: [] }).all(dy);
  return Object.fromEntries(wanted.map((name, i) => [name, () => first[i] ?? zerosLike(leaves[name]!)]));
}

/** Runs `f` again on what was saved, recording it. */
function runAgain(
  { f, args, captured, counters, numNodes, shape }: Recomputation,
  leaves: Readonly<Record<string, Tensor>>,
  { first, second }: WantedNames,
): GradientWalk {
  const changed = captured
    .filter(({ tensor, dataId }) => tensor.isDisposed || tensor.dataId !== dataId)
    .map(({ tensor, saved }) => [tensor, saved] as const);
  const tape: TapeNode[] = [];
  const leafOf = (name: string): Tensor => leaves[name]!;
  try {
    const output = inScope(() =>
      replayCalls(counters, () => withData(changed, () => recordOn(tape, () => runOwned(f, args)))),
    );
    requireSameRun(tape.length, numNodes, output.shape.join() === shape.join());
    return new ReverseWalk(tape, { first: first.map(leafOf), second: second.map(leafOf), output });
  } catch (error) {
    for (const { saved } of tape) for (const tensor of saved) tensor.dispose();
    throw error;
  }
}

function requireSameRun(numNodes: number, expected: number, hasSameShape: boolean): void {
  if (numNodes === expected && hasSameShape) return;
  throw new ContractError(
    `checkpoint: f (${numNodes} kernels when recomputed) must do the same each time (${expected} kernels forward) and return the same shape; use a function without side effects, and setTraining only between steps.`,
  );
}
