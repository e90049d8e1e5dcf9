/**
 * Sends sharded tensors from stage to stage: a header that says what comes, then this rank's part.
 *
 * ```
 *   header (int32)   dtype, ndim, dims..., number of axes, placements...     76 bytes
 *   part             what the sender holds: its neighbour at the same other coordinates holds the same part
 * ```
 *
 * @packageDocumentation
 */
import { ContractError, InternalError, type NumericArray, type ProcessGroup } from "@meshwright/core";
import {
  fromLocal,
  placementsOf,
  redistribute,
  Replicate,
  shard,
  Shard,
  toLocal,
  type DeviceMesh,
  type Placement,
} from "@meshwright/sharding";
import type { Tensor } from "@tensorflow/tfjs";

/** Of a tensor or of a mesh. tfjs' own limit is 6. */
const MAX_DIMS = 8;
const HEADER_LENGTH = 2 + MAX_DIMS + 1 + MAX_DIMS;
const REPLICATED = -1;
const DTYPES = ["float32", "int32", "bool"] as const;

/** Who talks to whom, about what. */
export interface Envelope {
  /** Ranks that differ only in their stage. */
  readonly group: ProcessGroup;
  /** The mesh of this rank's stage. */
  readonly mesh: DeviceMesh;
  /** Position in the group of the other rank. */
  readonly partner: number;
  readonly tag: number;
  readonly label: string;
}

/**
 * The value without partial sums, on `mesh`: only such values can be handed on. Communication: an all-reduce along
 * every axis on which `t` is partial. The caller owns the result.
 */
export function settle(t: Tensor, mesh: DeviceMesh): Tensor {
  const placements = placementsOf(t);
  const axes = Object.keys(placements);
  if (axes.length === 0) return shard(t, mesh, {});
  const partial = axes.filter((axis) => placements[axis]!.kind === "partial");
  if (partial.length === 0) return t.clone();
  return redistribute(t, Object.fromEntries(partial.map((axis) => [axis, Replicate()])));
}

/**
 * Sends this rank's part of a settled tensor. Returns when the message is copied out, so the sender works on while it
 * travels; it waits only while the mailbox is full, until the receiver comes to its next call. `t` stays the caller's.
 */
export function sendTensor(t: Tensor, { group, partner, tag, label }: Envelope): void {
  const { values } = toLocal(t);
  group.send(headerOf(t), partner, { tag, label });
  group.send(values, partner, { tag, label });
}

/** Waits for a tensor. The caller owns it. */
export function receiveTensor({ group, mesh, partner, tag, label }: Envelope): Tensor {
  const header = group.receive(new Int32Array(HEADER_LENGTH), partner, { tag, label });
  const { dtype, shape, placements } = readHeader(header, mesh);
  const localShape = localShapeOf(shape, placements, mesh);
  const length = localShape.reduce((a, b) => a * b, 1);
  const values = group.receive(allocate(dtype, length), partner, { tag, label });
  const spec = Object.fromEntries(mesh.axisNames.map((name, axis) => [name, placements[axis]!]));
  return fromLocal({ values, shape: localShape }, mesh, spec, { shape });
}

/** Every rank of the group gets a copy of the root's settled tensor. `t` is looked at on the root only. */
export function broadcastTensor(t: Tensor | undefined, envelope: Omit<Envelope, "tag">): Tensor {
  const { group, mesh, partner: root, label } = envelope;
  const header = t === undefined ? new Int32Array(HEADER_LENGTH) : headerOf(t);
  group.broadcast(header, { root, label });
  const { dtype, shape, placements } = readHeader(header, mesh);
  const localShape = localShapeOf(shape, placements, mesh);
  const length = localShape.reduce((a, b) => a * b, 1);
  const values = t === undefined ? allocate(dtype, length) : toLocal(t).values;
  group.broadcast(values, { root, label });
  const spec = Object.fromEntries(mesh.axisNames.map((name, axis) => [name, placements[axis]!]));
  return fromLocal({ values, shape: localShape }, mesh, spec, { shape });
}

function headerOf(t: Tensor): Int32Array {
  const dtype = DTYPES.findIndex((name) => name === t.dtype);
  if (dtype < 0 || t.shape.length > MAX_DIMS) {
    throw new ContractError(
      `Pipeline: activation (${t.dtype}, ${t.shape.length} dims) must have dtype ${DTYPES.join(", ")} and at most ${MAX_DIMS} dims; use another cut between stages.`,
    );
  }
  const placements = Object.values(placementsOf(t)).map((placement) => {
    if (placement.kind === "partial") throw new InternalError("a partial sum was about to be sent");
    return placement.kind === "shard" ? placement.dim : REPLICATED;
  });
  const header = new Int32Array(HEADER_LENGTH);
  header.set([dtype, t.shape.length, ...t.shape]);
  header.set([placements.length, ...placements], 2 + MAX_DIMS);
  return header;
}

interface Announced {
  readonly dtype: (typeof DTYPES)[number];
  readonly shape: readonly number[];
  readonly placements: readonly Placement[];
}

function readHeader(header: Int32Array, mesh: DeviceMesh): Announced {
  const dtype = DTYPES[header[0]!];
  const shape = [...header.subarray(2, 2 + header[1]!)];
  const start = 3 + MAX_DIMS;
  const dims = [...header.subarray(start, start + header[start - 1]!)];
  if (dtype === undefined || dims.length !== mesh.axisNames.length) {
    throw new InternalError(`a message between stages has the header [${header.join(", ")}]`);
  }
  return { dtype, shape, placements: dims.map((dim) => (dim === REPLICATED ? Replicate() : Shard(dim))) };
}

/** By the `ceil(n / p)` rule, axis after axis. */
function localShapeOf(
  shape: readonly number[],
  placements: readonly Placement[],
  mesh: DeviceMesh,
): number[] {
  const local = [...shape];
  placements.forEach((placement, axis) => {
    if (placement.kind !== "shard") return;
    const width = Math.ceil(local[placement.dim]! / mesh.shape[axis]!);
    const start = Math.min(local[placement.dim]!, mesh.coordinate[axis]! * width);
    local[placement.dim] = Math.min(local[placement.dim]!, start + width) - start;
  });
  return local;
}

function allocate(dtype: Announced["dtype"], length: number): NumericArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(length);
    case "int32":
      return new Int32Array(length);
    case "bool":
      return new Uint8Array(length);
  }
}
