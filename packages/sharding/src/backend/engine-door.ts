/**
 * Every use of TensorFlow.js internals by the sharded backend, in one place.
 *
 * `engine-door.test.ts` fails with a clear message when a tfjs upgrade changes one of them.
 *
 * @packageDocumentation
 */
import { ContractError, InternalError, type Engine } from "@meshwright/core";
import {
  backend_util,
  engine as tfEngine,
  getKernel,
  Tensor,
  type DataId,
  type KernelBackend,
  type KernelConfig,
  type TensorInfo,
} from "@tensorflow/tfjs";
import type { KernelAttrs } from "../rules/rule.ts";
import { nestInputs, takesNestedInputs } from "./nested-inputs.ts";

/** What a kernel takes: tensors by name, or a list (AddN, Concat, Pack). */
export type KernelInputs = Readonly<Record<string, TensorInfo>> | readonly TensorInfo[];

type KernelFunc = (call: {
  inputs: KernelInputs;
  attrs: KernelAttrs;
  backend: KernelBackend;
}) => TensorInfo | TensorInfo[];

/** The parts of tfjs' engine that are not in its types. */
interface EngineInternals {
  backendName: string;
  backendInstance: KernelBackend;
}

/** Kernels of tfjs that return a list even of one output; a rank whose shards are empty never runs them. */
const LIST_KERNELS = ["SplitV", "Unpack"];

/** tfjs' registry, typed as it behaves: a kernel may be missing. */
export function findKernel(kernel: string, backendName: string): KernelConfig | undefined {
  return getKernel(kernel, backendName);
}

/** The backend that is registered under `name`, made if need be; `undefined` if none is. */
export function findRegisteredBackend(name: string): KernelBackend | undefined {
  const tf = tfEngine();
  return name in tf.registryFactory ? tf.findBackend(name) : undefined;
}

/** Tfjs' own way to bring a tensor over from the backend that holds it: `backend.move` is called with its values. */
export function moveDataTo(backend: KernelBackend, dataId: DataId): void {
  tfEngine().moveData(backend, dataId);
}

/** A kernel that ran, as tfjs notes it; `gradient` is absent where there is none. */
interface RecordedNode {
  gradient?: (this: unknown, dys: unknown) => Readonly<Record<string, () => Tensor>>;
}

/**
 * Makes the gradients of all kernels that `body` ran run inside `around`, if a tape recorded them. A tape that keeps
 * nothing (that of a `checkpoint` in its forward pass) has no gradients.
 */
export function aroundGradients<R>(body: () => R, around: <T>(gradient: () => T) => T): R {
  const { activeTape } = tfEngine().state as { activeTape?: unknown };
  const tape = Array.isArray(activeTape) && tfEngine().isTapeOn() ? (activeTape as RecordedNode[]) : [];
  const numBefore = tape.length;
  const result = body();
  for (const node of tape.slice(numBefore)) {
    const { gradient } = node;
    if (gradient === undefined) continue;
    node.gradient = function (dys) {
      const closures = around(() => gradient.call(this, dys));
      return Object.fromEntries(
        Object.entries(closures).map(([name, closure]) => [name, () => around(closure)]),
      );
    };
  }
  return result;
}

/** Runs kernels of the engine backend behind tfjs' back: not taped, not scoped, not counted as user tensors. */
export class EngineDoor {
  readonly engine: Engine;
  readonly #internals: EngineInternals;
  readonly #backend: KernelBackend;
  readonly #kernels = new Map<string, KernelFunc>();
  readonly #listKernels = new Set<string>(LIST_KERNELS);

  constructor(engine: Engine) {
    this.engine = engine;
    const internals: unknown = tfEngine();
    assertInternals(internals);
    this.#internals = internals;
    const backend = findRegisteredBackend(engine.backendName);
    if (backend === undefined)
      throw new InternalError(`engine backend "${engine.backendName}" is not registered`);
    this.#backend = backend;
  }

  /** Whether the engine has the kernel. */
  has(kernel: string): boolean {
    return findKernel(kernel, this.engine.backendName) !== undefined;
  }

  /**
   * Runs one engine kernel on local tensors. The caller owns the results.
   *
   * The engine's own kernel function is called directly, with the engine made current meanwhile: tfjs-node's kernels
   * and kernels that call other ops look at the current backend. Nothing is taped, because the caller itself runs
   * inside a kernel.
   */
  run(kernel: string, inputs: KernelInputs, attrs: KernelAttrs): TensorInfo[] {
    const func = this.#kernels.get(kernel) ?? this.#lookUp(kernel);
    const internals = this.#internals;
    const { backendName, backendInstance } = internals;
    internals.backendName = this.engine.backendName;
    internals.backendInstance = this.#backend;
    try {
      const out = func({ inputs, attrs, backend: this.#backend });
      if (Array.isArray(out)) this.#listKernels.add(kernel);
      const outs = Array.isArray(out) ? out : [out];
      for (const info of outs) {
        // tfjs-node returns whole Tensors; `kept` saves them from the caller's tidy.
        if (info instanceof Tensor) info.kept = true;
      }
      return outs;
    } finally {
      internals.backendName = backendName;
      internals.backendInstance = backendInstance;
    }
  }

  /** Whether the kernel returns a list even of one output. Of a kernel that tfjs does not bring, known once it has run. */
  returnsList(kernel: string): boolean {
    return this.#listKernels.has(kernel);
  }

  /** Frees a local tensor. */
  dispose(info: TensorInfo): void {
    if (info instanceof Tensor) info.dispose();
    else this.#backend.disposeData(info.dataId);
  }

  /** Stores host values in the engine. Complex values come as pairs. */
  write(
    values: backend_util.BackendValues,
    shape: readonly number[],
    dtype: TensorInfo["dtype"],
  ): TensorInfo {
    if (dtype === "complex64") return this.#writeComplex(values as Float32Array, shape);
    return { dataId: this.#backend.write(values, [...shape], dtype), shape: [...shape], dtype };
  }

  /** Copies a local tensor to the host. Strings come as the engine holds them. */
  read(info: TensorInfo): backend_util.BackendValues {
    // A whole Tensor may live on another backend: complex ones of the wasm engine do.
    return info instanceof Tensor ? tfEngine().readSync(info.dataId) : this.#backend.readSync(info.dataId);
  }

  /** A second owner for the same local data. */
  share(info: TensorInfo): TensorInfo {
    const [shared] = this.run("Identity", { x: info }, {});
    return shared!;
  }

  /** A second owner for the same local data, under another shape of as many elements. */
  reshape(info: TensorInfo, shape: readonly number[]): TensorInfo {
    if (info instanceof Tensor) return this.run("Reshape", { x: info }, { shape })[0]!;
    this.#backend.incRef(info.dataId);
    return { dataId: info.dataId, shape: shape as number[], dtype: info.dtype };
  }

  /** Backends have no complex values of their own; the kernel joins two real tensors. */
  #writeComplex(pairs: Float32Array, shape: readonly number[]): TensorInfo {
    const parts = backend_util.splitRealAndImagArrays(pairs);
    const real = this.write(parts.real, shape, "float32");
    const imag = this.write(parts.imag, shape, "float32");
    const [joined] = this.run("Complex", { real, imag }, {});
    this.dispose(real);
    this.dispose(imag);
    return joined!;
  }

  #lookUp(kernel: string): KernelFunc {
    const config = findKernel(kernel, this.engine.backendName);
    if (config === undefined) {
      throw new ContractError(
        `${kernel}: kernel ("${kernel}") must exist on the engine (${this.engine.name}); use another engine, or register the kernel for "${this.engine.backendName}".`,
      );
    }
    const plain = config.kernelFunc as KernelFunc;
    const func: KernelFunc = takesNestedInputs(kernel)
      ? (call) => plain({ ...call, inputs: nestInputs(call.inputs) as KernelInputs })
      : plain;
    this.#kernels.set(kernel, func);
    return func;
  }
}

function assertInternals(internals: unknown): asserts internals is EngineInternals {
  for (const field of ["backendName", "backendInstance"]) {
    if (typeof internals !== "object" || internals === null || !(field in internals)) {
      throw new InternalError(`tfjs' engine has no field "${field}"; this version of tfjs is not supported`);
    }
  }
}
