/**
 * The tensors of a training and which ranks hold which parts of them.
 *
 * @packageDocumentation
 */
import { bytesOf, elementBytes, storedDtype, type ComputeDtype, type PieceToWrite } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import type { Layout } from "../layout.ts";
import type { DeviceMesh } from "../mesh.ts";
import { toLocal } from "../sharded-tensor.ts";
import { optimizerTensors } from "./optimizer-state.ts";
import { ownedPieces, piecesOf, type HeldPiece, type TensorPieces } from "./owners.ts";
import { parametersOf, type TrainingState } from "./training-state.ts";

/** All tensors of a training that this rank has a part of, by their names in the checkpoint. */
export function trainingTensors(where: string, state: TrainingState): ReadonlyMap<string, Tensor> {
  const parameters = [...parametersOf(where, state)].map(([name, { variable }]) => [name, variable] as const);
  const moments = state.optimizer === undefined ? [] : optimizerTensors(state.optimizer);
  return new Map<string, Tensor>([...parameters, ...moments]);
}

/**
 * The pieces that this rank writes. Partial values are reduced first, which is a collective.
 *
 * @param everywhere - the world ranks that hold what is on no mesh
 */
export function piecesToWrite(
  tensors: ReadonlyMap<string, Tensor>,
  { rank, everywhere }: { readonly rank: number; readonly everywhere: readonly number[] },
): readonly PieceToWrite[] {
  const backend = shardedBackend("saveCheckpoint");
  const described = [...tensors].map(([name, tensor]): TensorPieces => {
    reduceInPlace(tensor);
    const { layout } = backend.recordOf(tensor);
    const dtype = storedDtype(layout.dtype as ComputeDtype);
    return { name, elementBytes: elementBytes(dtype), pieces: heldPieces(layout, everywhere) };
  });
  return ownedPieces(described, rank).map(({ name, region }) => {
    const tensor = tensors.get(name)!;
    return {
      ...{ name, dtype: storedDtype(tensor.dtype as ComputeDtype), globalShape: tensor.shape },
      ...region,
      bytes: () => bytesOf(toLocal(tensor).values),
    };
  });
}

/** A partial value becomes whole for good, as it does for a kernel that is not linear in it. */
function reduceInPlace(tensor: Tensor): void {
  const { layout } = shardedBackend("saveCheckpoint").recordOf(tensor);
  if (layout.placements.every(({ kind }) => kind !== "partial")) return;
  tensor.dataSync();
}

function heldPieces(layout: Layout, everywhere: readonly number[]): readonly HeldPiece[] {
  if (layout.mesh === undefined) {
    const region = { shape: layout.shape, offset: layout.shape.map(() => 0) };
    return [{ region, holders: everywhere }];
  }
  const mesh = layout.mesh as DeviceMesh;
  return piecesOf(layout.shape, layout.placements, {
    shape: mesh.shape,
    rankAt: (coordinate) => rankAt(mesh, coordinate),
  });
}

/** The world rank at a coordinate of a mesh, which may be a part of another one. */
function rankAt(mesh: DeviceMesh, coordinate: readonly number[]): number {
  const { rank } = mesh.world;
  return mesh.axisNames.reduce((sum, axis, i) => sum + mesh.group(axis).ranks[coordinate[i]!]! - rank, rank);
}
