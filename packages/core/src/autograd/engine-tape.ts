/**
 * Every use of TensorFlow.js internals by the autograd code, in one place.
 *
 * `engine-tape.test.ts` fails with a clear message when a tfjs upgrade changes one of them.
 *
 * @packageDocumentation
 */
import { engine as tfEngine, type DataId, type Tensor } from "@tensorflow/tfjs";
import { InternalError } from "../errors.ts";
import type { Tape, TapeNode } from "./tape-node.ts";

interface EngineState {
  activeTape: unknown;
  gradientDepth: number;
  kernelDepth: number;
  nextTapeNodeId: number;
  readonly activeScope: { readonly track: readonly Tensor[] } | null | undefined;
}

/** The parts of tfjs' engine that its types hide. */
interface EngineInternals {
  readonly state: EngineState;
  clone(x: Tensor): Tensor;
  track(x: Tensor): Tensor;
  nextTensorId(): number;
}

/** A tensor's handle, which can be bound to other data. */
interface TensorHandle {
  dataId: DataId;
  isDisposedInternal: boolean;
}

const METHODS = ["clone", "track", "nextTensorId"] as const;
const STATE_FIELDS = ["gradientDepth", "kernelDepth", "nextTapeNodeId"] as const;

/** Whether kernels that run now are recorded, by `tf.grad` and its kind, by `vjp`, or by `checkpoint`. */
export function isRecording(): boolean {
  return tfEngine().isTapeOn();
}

/** The tape that records, or last recorded. */
export function activeTape(): unknown {
  return internals().state.activeTape;
}

/**
 * Runs `body` and records its kernels on `tape`, and on no other. What recorded before goes on afterwards, even if
 * `body` throws. Works inside a kernel too, where tfjs itself would record nothing.
 */
export function recordOn<R>(tape: Tape, body: () => R): R {
  const { state } = internals();
  const { activeTape, gradientDepth, kernelDepth } = state;
  Object.assign(state, { activeTape: tape, gradientDepth: 1, kernelDepth: 0 });
  try {
    return body();
  } finally {
    Object.assign(state, { activeTape, gradientDepth, kernelDepth });
  }
}

/** Runs `body` and records nothing. */
export function withoutRecording<R>(body: () => R): R {
  const { state } = internals();
  state.kernelDepth++;
  try {
    return body();
  } finally {
    state.kernelDepth--;
  }
}

/** Adds a node to the tape that records now. */
export function appendNode(node: TapeNode): void {
  const { state } = internals();
  (state.activeTape as Tape).push(Object.assign({ id: state.nextTapeNodeId++ }, node));
}

/**
 * A clone that outlives all scopes, noted on the tape as tfjs notes what it saves for a gradient. Needs an active scope.
 */
export function save(x: Tensor): Tensor {
  return keep(withoutRecording(() => internals().clone(x)));
}

/** Takes a tensor out of every scope; whoever keeps it disposes it. */
export function keep(x: Tensor): Tensor {
  x.kept = true;
  return x;
}

/** Gives a kept tensor to the scope that is active now, if there is one. */
export function giveToScope(x: Tensor): Tensor {
  x.kept = false;
  return internals().track(x);
}

/** Tensors made from now on have this id or a larger one; those that exist have a smaller one. */
export function firstNewId(): number {
  return internals().nextTensorId();
}

/** Runs `body` in a scope of its own: what it made is disposed, unless kept or chosen by `result`. */
export function inScope<R>(body: () => R, result?: (value: R) => Tensor): R {
  const engine = tfEngine();
  engine.startScope();
  let survivor: Tensor | undefined;
  try {
    const value = body();
    survivor = result?.(value);
    return value;
  } finally {
    engine.endScope(survivor);
  }
}

/** Runs `body` in a scope of its own and keeps every tensor that it left there. */
export function keepMade<R>(body: () => R): { readonly result: R; readonly made: readonly Tensor[] } {
  return inScope(() => {
    const result = body();
    const made: Tensor[] = [];
    for (const x of internals().state.activeScope!.track) {
      if (!x.isDisposed && !x.kept) made.push(keep(x));
    }
    return { result, made };
  });
}

/**
 * Runs `body` while each tensor stands for the data of its stand-in. A tensor that was disposed, or a variable that has
 * another value by now, is what it was before, for `body`.
 */
export function withData<R>(pairs: readonly (readonly [Tensor, standIn: Tensor])[], body: () => R): R {
  const before = pairs.map(([tensor]) => {
    const { dataId, isDisposedInternal } = handleOf(tensor);
    return { dataId, isDisposedInternal };
  });
  for (const [tensor, { dataId }] of pairs) {
    Object.assign(handleOf(tensor), { dataId, isDisposedInternal: false });
  }
  try {
    return body();
  } finally {
    pairs.forEach(([tensor], i) => Object.assign(handleOf(tensor), before[i]!));
  }
}

function handleOf(tensor: Tensor): TensorHandle {
  const handle: object = tensor;
  return handle as TensorHandle;
}

function internals(): EngineInternals {
  const engine: object = tfEngine();
  const found = engine as EngineInternals;
  for (const method of METHODS) if (typeof found[method] !== "function") refuse(`method "${method}"`);
  for (const field of STATE_FIELDS) if (typeof found.state[field] !== "number") refuse(`field "${field}"`);
  return found;
}

function refuse(what: string): never {
  throw new InternalError(`tfjs' engine has no ${what}; this version of tfjs is not supported`);
}
