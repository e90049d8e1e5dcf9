/**
 * The kernels behind the collectives of local tensors, and their gradients.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { util, type GradConfig, type KernelConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs";
import { SHARDED, type ShardedBackend } from "../backend/sharded-backend.ts";
import { axisIndex } from "../mesh.ts";
import { Partial, Replicate, Shard, type Placement } from "../placement.ts";
import { compileMove, executeMove, type CompiledMove } from "../redistribute/execute.ts";
import type { MoveKind } from "../redistribute/move.ts";
import {
  LOCAL_ALL_GATHER,
  LOCAL_ALL_REDUCE,
  LOCAL_ALL_TO_ALL,
  LOCAL_REDUCE_SCATTER,
  LOCAL_SHIFT,
  localAllGather,
  localAllReduce,
  localAllToAll,
  localReduceScatter,
  localShift,
  type AllGatherAttrs,
  type AllReduceAttrs,
  type AllToAllAttrs,
  type ReduceScatterAttrs,
  type ShiftAttrs,
} from "./collectives.ts";
import {
  exchangeLocally,
  exchangeRowsBack,
  LOCAL_EXCHANGE_ROWS,
  type ExchangeRowsAttrs,
} from "./exchange-rows.ts";
import { requireLocal, type LocalMesh } from "./local-mesh.ts";
import { exchangeAlongRing } from "./ring.ts";

/** A kernel has some of these attributes, and reads only its own. */
type LocalAttrs = AllReduceAttrs &
  AllGatherAttrs &
  ReduceScatterAttrs &
  AllToAllAttrs &
  ShiftAttrs &
  ExchangeRowsAttrs;

/** What a collective does, as a move of a tensor that is cut along one axis only. */
interface AxisMove {
  readonly kind: MoveKind;
  /** Shape of the whole tensor. */
  readonly shape: readonly number[];
  readonly from: Placement;
  readonly to: Placement;
}

/** Registrations for the sharded backend. */
export const collectiveKernels: readonly KernelConfig[] = [
  moveKernel(LOCAL_ALL_REDUCE, (shape, { op }) => ({
    ...{ kind: "allReduce", shape, from: Partial(op), to: Replicate() },
  })),
  moveKernel(LOCAL_ALL_GATHER, (shape, { dim, size }) => ({
    ...{ kind: "allGather", shape: resized(shape, dim, size), from: Shard(dim), to: Replicate() },
  })),
  moveKernel(LOCAL_REDUCE_SCATTER, (shape, { dim }) => ({
    ...{ kind: "reduceScatter", shape, from: Partial("sum"), to: Shard(dim) },
  })),
  moveKernel(LOCAL_ALL_TO_ALL, (shape, { splitDim, concatDim, concatSize }) => ({
    ...{ kind: "allToAll", shape: resized(shape, concatDim, concatSize) },
    ...{ from: Shard(concatDim), to: Shard(splitDim) },
  })),
  localKernel(LOCAL_SHIFT, shift),
  localKernel(LOCAL_EXCHANGE_ROWS, exchangeLocally),
];

/** Registrations of the gradients. */
export const collectiveGradients: readonly GradConfig[] = [
  gradient(LOCAL_ALL_REDUCE, (dy, { axis, op }) => {
    if (op === "sum") return localAllReduce(dy, axis);
    throw new ContractError(
      `localAllReduce: op ("${op}") must be "sum" where it is differentiated; use it on values that no gradient is taken of.`,
    );
  }),
  gradient(LOCAL_ALL_GATHER, (dy, { axis, dim }) => localReduceScatter(dy, axis, { dim })),
  gradient(LOCAL_REDUCE_SCATTER, (dy, { axis, dim, size }) => localAllGather(dy, axis, { dim, size })),
  gradient(LOCAL_ALL_TO_ALL, (dy, { axis, splitDim, splitSize, concatDim }) =>
    localAllToAll(dy, axis, { splitDim: concatDim, concatDim: splitDim, size: splitSize }),
  ),
  gradient(LOCAL_SHIFT, (dy, { axis, by }) => localShift(dy, axis, { by: -by })),
  gradient(LOCAL_EXCHANGE_ROWS, exchangeRowsBack),
];

/** Where a local step runs. */
interface LocalPlace {
  readonly mesh: LocalMesh;
  readonly backend: ShardedBackend;
}

/** A kernel of one local tensor. `step` returns a new tensor of the engine. */
function localKernel(
  kernelName: string,
  step: (x: TensorInfo, attrs: LocalAttrs, place: LocalPlace) => TensorInfo,
): KernelConfig {
  return {
    kernelName,
    backendName: SHARDED,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const sharded = backend as ShardedBackend;
      const x = inputs.x!;
      const mesh = requireLocal(kernelName, x, sharded);
      const out = step(sharded.recordOf(x).local, attrs as LocalAttrs, { mesh, backend: sharded });
      return sharded.wrap(mesh, out.shape, [Replicate()], out);
    },
  };
}

function moveKernel(
  kernelName: string,
  moveOf: (shape: readonly number[], attrs: LocalAttrs) => AxisMove,
): KernelConfig {
  return localKernel(kernelName, (x, attrs, { mesh, backend }) => {
    const key = `${kernelName} ${x.dtype}[${x.shape.join()}] ${Object.values(attrs).join()}`;
    let compiled = mesh.moves.get(key);
    if (compiled === undefined) {
      compiled = compile(moveOf(x.shape, attrs), { axis: attrs.axis, x, mesh });
      mesh.moves.set(key, compiled);
    }
    return executeMove(x, compiled, backend.door.engine);
  });
}

function compile(
  { kind, shape, from, to }: AxisMove,
  { axis, x, mesh }: { readonly axis: string; readonly x: TensorInfo; readonly mesh: LocalMesh },
): CompiledMove {
  const { outer } = mesh;
  const index = axisIndex(outer, axis, "localMap");
  const numRanks = outer.shape[index]!;
  const tensor = { shape, bytesPerElement: util.bytesPerElement(x.dtype), meshShape: [numRanks] };
  return compileMove(
    // Along an axis of one rank there is nobody to ask.
    { kind: numRanks === 1 ? "local" : kind, axes: [0], from: [from], to: numRanks === 1 ? [from] : [to] },
    { tensor, dtype: x.dtype, coordinate: [outer.coordinate[index]!], group: outer.group(axis) },
  );
}

function shift(x: TensorInfo, { axis, by }: LocalAttrs, { mesh, backend }: LocalPlace): TensorInfo {
  const { engine } = backend.door;
  const label = `localShift by ${by} of ${x.dtype}[${x.shape.join(", ")}]`;
  return engine.create(x.shape, x.dtype, (out) => {
    const messages = { send: [engine.view(x)], receive: [out] };
    exchangeAlongRing(mesh.outer.group(axis), messages, { by, label });
  });
}

function gradient(kernelName: string, adjoint: (dy: Tensor, attrs: LocalAttrs) => Tensor): GradConfig {
  return {
    kernelName,
    gradFunc: (dy, _saved, attrs) => ({ x: () => adjoint(dy as Tensor, attrs as LocalAttrs) }),
  };
}

function resized(shape: readonly number[], dim: number, size: number): number[] {
  return shape.map((before, at) => (at === dim ? size : before));
}
