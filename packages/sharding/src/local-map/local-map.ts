/**
 * `localMap`: code that runs on what each rank holds.
 *
 * ```
 *   global x  --in-->  x_0 | x_1 | x_2  --fn on each rank-->  y_0 | y_1 | y_2  --out-->  global y
 * ```
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { Tensor, tidy, type DataType } from "@tensorflow/tfjs";
import { aroundGradients } from "../backend/engine-door.ts";
import { shardedBackend } from "../backend/current.ts";
import type { ShardedBackend } from "../backend/sharded-backend.ts";
import { formatLayout, regionOf } from "../layout.ts";
import { formatMesh, type DeviceMesh, type MeshAxes } from "../mesh.ts";
import type { Placement } from "../placement.ts";
import { resolvePlacements, type PlacementSpec } from "../placement-spec.ts";
import { runFromLocal, runToLocal, type Boundary } from "./boundary-kernels.ts";
import { gradientPlacements } from "./dual-placement.ts";
import { isLocal } from "./local-mesh.ts";
import { gatherShapes } from "./output-shapes.ts";
import { registerLocalKernels } from "./register.ts";

/** Where local code runs, and how its inputs and outputs lie. Axes that a placement does not name are `Replicate()`. */
export interface LocalMapOptions<Axes extends MeshAxes = MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  /** One per input. Inputs that lie otherwise are redistributed. */
  readonly in: readonly PlacementSpec<Axes>[];
  /** One per output; a single one for a function that returns one tensor. */
  readonly out: PlacementSpec<Axes> | readonly PlacementSpec<Axes>[];
  /**
   * Global shapes of the outputs, from those of the inputs. Without it the ranks compare the shapes of what they made:
   * one all-gather of a few integers per axis that splits an output, on the first call with inputs of the same layouts.
   */
  readonly outShapes?: (...inputShapes: readonly (readonly number[])[]) => readonly (readonly number[])[];
  /** Per input: where its gradient lies on the axes named; default: the dual placement. */
  readonly inGradients?: readonly (PlacementSpec<Axes> | undefined)[];
  /** Per output: where its gradient must lie, on the axes named, before ranks get their parts; default: the dual placement. */
  readonly outGradients?: readonly (PlacementSpec<Axes> | undefined)[];
}

/**
 * `fn`, run on the local parts of its inputs: JAX's `shard_map`, PyTorch's `local_map`. What it returns is put together
 * as `out` says. For what sharding rules cannot express.
 *
 * Inside, tensors are ordinary tensors of the local shapes; operations on them run on this rank alone. Ranks exchange
 * values by the collectives of local tensors (`localAllReduce`, `localAllGather`, `localReduceScatter`, `localAllToAll`,
 * `localShift`, `localExchangeRows`). Every rank must make the same collectives in the same order, forward and backward. Mixing a local
 * tensor with a tensor of the mesh is an error: what `fn` uses comes in as an input, so that its gradient is right.
 *
 * | placement        | on each rank     | placement of its gradient, in and out |
 * | ---------------- | ---------------- | ------------------------------------- |
 * | `Shard(d)`       | the rank's chunk | `Shard(d)`                            |
 * | `Replicate()`    | the whole value  | `Partial("sum")`                      |
 * | `Partial("sum")` | a summand        | `Replicate()`                         |
 *
 * This makes the gradients right whatever `fn` does. Where all ranks along an axis do the same with a replicated input,
 * and return a replicated output, `inGradients` and `outGradients` of `Replicate()` on that axis save the reduction: each
 * rank's gradient is then the whole one already. To end with a sum over ranks, return the summand as `Partial("sum")`.
 *
 * Communication: what moving the inputs to `in` costs (nothing if they lie so), and what `fn` does. Backward: the
 * adjoint of each. Make the function once and call it often: it remembers shapes.
 *
 * @returns a function of global tensors; the caller's scope owns its results
 * @example
 * ```ts
 * // x W with the contraction split, as Megatron's row-parallel layer has it
 * const rowParallel = localMap((x: Tensor, w: Tensor) => tf.matMul(x, w), {
 *   mesh,
 *   in: [{ tp: Shard(1) }, { tp: Shard(0) }],
 *   out: { tp: Partial("sum") },
 * });
 * const y = rowParallel(x, w);
 * ```
 * @throws ContractError if the number of inputs or outputs is not that of `in` or `out`, an input lives on another mesh,
 * an output is no local tensor or not this rank's part of the global shape, or a placement does not fit.
 * @see "Shard-map", https://docs.jax.dev/en/latest/notebooks/shard_map.html, section "Transposing and autodiff"
 */
export function localMap<
  Axes extends MeshAxes,
  Inputs extends readonly Tensor[],
  Outputs extends Tensor | readonly Tensor[],
>(fn: (...locals: Inputs) => Outputs, options: LocalMapOptions<Axes>): (...inputs: Inputs) => Outputs {
  const known: KnownShapes = new Map();
  return (...inputs) => {
    const backend = shardedBackend("localMap");
    registerLocalKernels();
    const call = { backend, options: options as LocalMapOptions, inputs };
    const results = tidy(() => {
      const locals = enter(call);
      const returned: unknown = runLocally(backend, () => fn(...(locals as readonly Tensor[] as Inputs)));
      return leave(call, returned, known);
    });
    return (isList(call.options.out) ? results : results[0]!) as Tensor | readonly Tensor[] as Outputs;
  };
}

/** Global shapes of the outputs, by the layouts of the inputs. */
type KnownShapes = Map<string, readonly (readonly number[])[]>;

/** One call of a mapped function. */
interface Call {
  readonly backend: ShardedBackend;
  readonly options: LocalMapOptions;
  readonly inputs: readonly Tensor[];
}

/** This rank's parts of the inputs. */
function enter(call: Call): Tensor[] {
  const { mesh, in: specs, inGradients } = call.options;
  if (call.inputs.length !== specs.length) {
    throw new ContractError(
      `localMap: inputs (${call.inputs.length}) must be as many as placements in options.in (${specs.length}); use {} for an input that is replicated along all axes.`,
    );
  }
  return call.inputs.map((x, i) => {
    const where = `localMap: input ${i}`;
    const { layout } = call.backend.recordOf(x);
    if (layout.mesh !== undefined && layout.mesh !== mesh) {
      throw new ContractError(
        `${where} (${formatLayout(layout)}) must be on no mesh or on that of localMap (${formatMesh(mesh)}), but it is on ${formatMesh(layout.mesh)}; use fromLocal(toLocal(full(t)), mesh, { ... }) to copy it over.`,
      );
    }
    const placements = resolvePlacements(where, mesh, specs[i]!, x);
    return runToLocal(
      x,
      boundary(where, call, { shape: x.shape, dtype: x.dtype, placements }, inGradients?.[i]),
    );
  });
}

/** Runs local code. In checked mode its gradients are local code too. */
function runLocally<R>(backend: ShardedBackend, body: () => R): R {
  if (!backend.isChecked) return body();
  const unchecked = <T>(code: () => T): T => backend.runUnchecked(code);
  return aroundGradients(() => unchecked(body), unchecked);
}

/** The global tensors that the outputs are parts of. */
function leave(call: Call, returned: unknown, known: KnownShapes): Tensor[] {
  const { mesh, outGradients } = call.options;
  const outputs = requireOutputs(call, returned);
  const shapes = shapesOf(call, outputs, known);
  return outputs.map(({ y, placements }, i) => {
    const where = `localMap: output ${i}`;
    const shape = shapes[i]!;
    const part = regionOf(shape, placements, mesh.shape, mesh.coordinate);
    if (part.shape.join() !== y.shape.join()) {
      throw new ContractError(
        `${where} (local shape [${y.shape.join(", ")}]) must be [${part.shape.join(", ")}], rank ${mesh.world.rank}'s part of [${shape.join(", ")}]; use ceil(n / ranks) per rank, and options.outShapes where shapes depend on values.`,
      );
    }
    const at = boundary(where, call, { shape, dtype: y.dtype, placements }, outGradients?.[i]);
    return runFromLocal(y, at);
  });
}

/** An output of the function and where it is meant to lie. */
interface Output {
  readonly y: Tensor;
  readonly placements: readonly Placement[];
}

function requireOutputs({ backend, options }: Call, returned: unknown): Output[] {
  const { mesh, out } = options;
  const specs: readonly PlacementSpec[] = isList(out) ? out : [out];
  const outputs: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  if (outputs.length !== specs.length || Array.isArray(returned) !== isList(out)) {
    const form = (list: boolean, length: number): string => (list ? `a list of ${length}` : "one tensor");
    throw new ContractError(
      `localMap: what the function returns (${form(Array.isArray(returned), outputs.length)}) must be as options.out says (${form(isList(out), specs.length)}); use one placement per output, in a list for a list.`,
    );
  }
  return outputs.map((y, i) => {
    const where = `localMap: output ${i}`;
    if (!(y instanceof Tensor)) {
      throw new ContractError(
        `${where} (${y instanceof Promise ? "a promise" : typeof y}) must be a tensor, at once; use a function without await that returns tensors.`,
      );
    }
    const { layout } = backend.recordOf(y);
    if (layout.mesh !== undefined && !isLocal(layout)) {
      throw new ContractError(
        `${where} (${formatLayout(layout)}) must be a local tensor; use what the function was called with, and pass the tensors of the mesh that it needs as inputs.`,
      );
    }
    return { y: y as Tensor, placements: resolvePlacements(where, mesh, specs[i]!, y as Tensor) };
  });
}

function isList(out: LocalMapOptions["out"]): out is readonly PlacementSpec[] {
  return Array.isArray(out);
}

function shapesOf(
  { backend, options, inputs }: Call,
  outputs: readonly Output[],
  known: KnownShapes,
): readonly (readonly number[])[] {
  const { mesh, outShapes } = options;
  if (outShapes !== undefined) {
    const shapes = outShapes(...inputs.map(({ shape }) => shape));
    if (shapes.length === outputs.length) return shapes;
    throw new ContractError(
      `localMap: outShapes (${shapes.length} shapes) must give one shape per output (${outputs.length}); use a list of global shapes.`,
    );
  }
  // The same on every rank, so that all of them gather or none.
  const key = inputs.map((x) => backend.recordOf(x).layout.id).join();
  const shapes =
    known.get(key) ??
    gatherShapes(
      outputs.map(({ y, placements }) => ({ shape: y.shape, placements })),
      mesh,
    );
  known.set(key, shapes);
  return shapes;
}

function boundary(
  where: string,
  { backend, options: { mesh } }: Call,
  value: {
    readonly shape: readonly number[];
    readonly dtype: DataType;
    readonly placements: readonly Placement[];
  },
  override: PlacementSpec | undefined,
): Boundary {
  const { shape, dtype, placements } = value;
  const gradient = gradientPlacements(
    where.replace("localMap:", "localMap: gradient of"),
    mesh,
    value,
    override,
  );
  return {
    at: backend.layouts.on(mesh, shape, dtype, placements),
    gradientAt: backend.layouts.on(mesh, shape, "float32", gradient),
  };
}
