/**
 * What a rule says about a kernel: how it can run when its inputs are split.
 *
 * A rule is a pure function of the *global* call. It lists *strategies* for **one** mesh axis; the planner
 * (`plan.ts`) picks one per axis by communication cost, and the executor (`backend/`) moves the inputs and runs the
 * kernel on the local shards.
 *
 * ```
 *   matMul [M, K] x [K, N]      a           b           output
 *                               Shard(0)    Replicate   Shard(0)       rows
 *                               Replicate   Shard(1)    Shard(1)       columns
 *                               Shard(1)    Shard(0)    Partial(sum)   contraction
 *                               Partial     Replicate   Partial(sum)   linear in a
 * ```
 *
 * @packageDocumentation
 */
import type { NumericArray, ProcessGroup } from "@meshwright/core";
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import type { Layout } from "../layout.ts";
import type { Placement } from "../placement.ts";

/** Kernel attributes, as tfjs passes them. */
export type KernelAttrs = Readonly<Record<string, unknown>>;

/** A tensor as a rule sees it. */
export interface TensorSpec {
  /** Global shape. */
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** An input as a rule sees it. */
export interface InputSpec extends TensorSpec {
  /** The name under which the kernel takes it (`"a"`, `"x"`, or `"0"`, `"1"` for lists). */
  readonly name: string;
}

/** A kernel call in the global view. */
export interface KernelCall {
  readonly kernel: string;
  readonly inputs: readonly InputSpec[];
  readonly attrs: KernelAttrs;
}

/** The mesh axis that strategies are asked for. */
export interface AxisContext {
  /** Ranks along the axis. */
  readonly size: number;
  /**
   * How many pieces the *other* axes cut dim `dim` of input `input` into. A view that splits or merges dims must keep
   * the pieces aligned: the dim has to divide by `size * piecesByOthers(input, dim)`.
   */
  piecesByOthers(input: number, dim: number): number;
}

/** One way to run the kernel along one mesh axis. */
export interface AxisStrategy {
  /** Placement that each input must have, in input order. */
  readonly inputs: readonly Placement[];
  /** Placement that each output then has. */
  readonly outputs: readonly Placement[];
  /**
   * `true`: whole inputs may become partial for this strategy, at no cost (one rank keeps the value, the others hold the
   * neutral element). Else nothing becomes partial on its own account. Only for results so small that putting their
   * reduction off is always cheaper than reducing the inputs one by one, or that other inputs make partial anyway.
   */
  readonly makesPartial?: true;
  /**
   * Bytes that the local step itself sends per rank along this axis, where it communicates. The planner adds them, and
   * the latency of `localCollectives`, to what moving the inputs costs.
   */
  readonly localBytes?: number;
  /** Number of collectives behind `localBytes`. Default 1. */
  readonly localCollectives?: number;
}

/** Runs kernels of the engine on local tensors. */
export interface LocalKernels {
  /** Runs an engine kernel on inputs by name, or on a list (AddN, Concat, Pack). The caller owns the results. */
  run(
    kernel: string,
    inputs: Readonly<Record<string, TensorInfo>> | readonly TensorInfo[],
    attrs?: KernelAttrs,
  ): TensorInfo[];
  /** Frees a local tensor. */
  dispose(info: TensorInfo): void;
  /** The elements of a local tensor: read-only, and valid until the next `run` or `create`. */
  view(info: TensorInfo): NumericArray;
  /**
   * A new local tensor, owned by the caller, whose elements `fill` writes in place (without it they are unspecified).
   * `fill` may look at other tensors with `view` and may communicate, but must not `run` or `create`.
   */
  create(shape: readonly number[], dtype: DataType, fill?: (out: NumericArray) => void): TensorInfo;
}

/** What a local step may look at. */
export interface LocalCall {
  readonly call: KernelCall;
  readonly inputs: readonly Layout[];
  readonly outputs: readonly Layout[];
  /** The ranks along each mesh axis, in mesh order. Only `local` of a rule that `communicates` may use them. */
  readonly groups: readonly ProcessGroup[];
}

/** How a family of kernels runs when sharded. */
export interface Rule {
  /** Kernel names that the rule covers. */
  readonly kernels: readonly string[];
  /** Global shape and dtype of every output. */
  outputs(call: KernelCall): readonly TensorSpec[];
  /**
   * Strategies for one axis. "Everything replicated" need not be listed; it is always possible.
   * A strategy must not ask for a `Partial` input unless the kernel is linear in it.
   */
  strategies(call: KernelCall, axis: AxisContext): readonly AxisStrategy[];
  /** Attributes for this rank's local call (default: the global ones of the current call). */
  localAttrs?(local: LocalCall): KernelAttrs;
  /** `true`: the output is the first input's elements in the same order, so the executor shares them without the kernel. */
  readonly isReshape?: true;
  /**
   * `true`: calls with one `attrsKey` may differ in other attributes (a random key, a learning rate, where a slice
   * begins), so `localAttrs` and `local` must see the attributes of the current call, never those of the call for
   * which the decision was made. Without it `localAttrs` is asked once per decision.
   */
  readonly dynamicAttrs?: boolean;
  /** Runs in place of the plain kernel on the local shards; returns one tensor per output, owned by the caller. */
  local?(kernels: LocalKernels, inputs: readonly TensorInfo[], local: LocalCall): TensorInfo[];
  /**
   * Where it answers `true` the plain kernel does for these layouts, and `local` does not run. Asked once per decision,
   * so it must answer alike for all calls with one `attrsKey`, and alike on all ranks. Default: `local` always runs.
   */
  isPlain?(local: LocalCall): boolean;
  /**
   * `true`: `local` makes collectives, so it runs on every rank, also where a shard is empty or an axis has one rank.
   * Every rank of a group must make the same calls: what `local` does may depend on the layouts' placements and global
   * shapes, not on this rank's shapes or values.
   */
  readonly communicates?: true;
  /**
   * Value of the elements of an output when a rank's shard of an input is empty (and the global input is not) but the
   * output's is not: a sum over no elements. Default 0. See `emptyElement` for integers.
   */
  readonly emptyValue?: number;
  /**
   * Cache key of the attributes (default: JSON). It must tell apart all calls for which `outputs` or `strategies`
   * answer differently, and calls for which `localAttrs` does unless `dynamicAttrs` is set. Attributes that change from
   * step to step stay out, or the cache never hits. Called on every operation: keep it cheap.
   */
  attrsKey?(attrs: KernelAttrs): string;
}
