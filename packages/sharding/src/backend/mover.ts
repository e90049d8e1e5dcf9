/**
 * Moves a rank's local tensor from one layout to another.
 *
 * @packageDocumentation
 */
import { util, type TensorInfo } from "@tensorflow/tfjs";
import type { Layout } from "../layout.ts";
import type { DeviceMesh } from "../mesh.ts";
import { Replicate, samePlacement, type Placement } from "../placement.ts";
import { compileMove, executeMove, type CompiledPath } from "../redistribute/execute.ts";
import { bytesSentPerRank } from "../redistribute/move-bytes.ts";
import { planRedistribute } from "../redistribute/planner.ts";
import type { EngineDoor } from "./engine-door.ts";
import type { MeshLayout } from "./layout-table.ts";

/** The placements of a layout on `mesh`; a value that is the same everywhere counts as replicated. */
export function placementsOn(layout: Layout, mesh: DeviceMesh): readonly Placement[] {
  return layout.mesh === undefined ? mesh.shape.map(() => Replicate()) : layout.placements;
}

/**
 * The local tensor of the same value in layout `to`, by the cheapest path (`redistribute/planner.ts`).
 *
 * The result is a new reference owned by the caller; `local` stays the caller's.
 */
export function moveLocal(local: TensorInfo, from: Layout, to: MeshLayout, door: EngineDoor): TensorInfo {
  const { moves } = to.arrivals.get(from) ?? compilePath(from, to);
  let current = local;
  for (const move of moves) {
    const next = executeMove(current, move, door.engine);
    if (current !== local) door.dispose(current);
    current = next;
  }
  return current === local ? door.share(local) : current;
}

/** Bytes that this rank sends for the move: those that the ledger will show. */
export function predictMoveBytes(from: Layout, to: MeshLayout): number {
  return (to.arrivals.get(from) ?? compilePath(from, to)).bytesSent;
}

/** Whether `to` differs from `from` only in that partial values are reduced: another name of the same, cheaper to use. */
export function onlyReduces(from: Layout, to: MeshLayout): boolean {
  let reduces = false;
  for (let axis = 0; axis < to.placements.length; axis++) {
    const [old, target] = [from.placements[axis], to.placements[axis]!];
    if (old === undefined) return false;
    if (samePlacement(old, target)) continue;
    if (old.kind !== "partial" || target.kind !== "replicate") return false;
    reduces = true;
  }
  return reduces;
}

function compilePath(from: Layout, to: MeshLayout): CompiledPath {
  const { mesh, shape, dtype } = to;
  // Strings are the same on every rank and never move.
  const bytesPerElement = dtype === "string" ? 0 : util.bytesPerElement(dtype);
  const ends = { from: placementsOn(from, mesh), to: to.placements };
  const path = planRedistribute(mesh, { shape, bytesPerElement, ...ends });
  const tensor = { shape, bytesPerElement, meshShape: mesh.shape };
  const position = mesh.coordinate.reduce((rank, at, axis) => rank * mesh.shape[axis]! + at, 0);
  const moves = path.map((move) => {
    const names = move.axes.map((axis) => mesh.axisNames[axis]!);
    const group = move.kind === "local" ? undefined : mesh.productGroup(names);
    return compileMove(move, { tensor, dtype, coordinate: mesh.coordinate, group });
  });
  const bytesSent = path.reduce((total, move) => total + bytesSentPerRank(move, tensor)[position]!, 0);
  const compiled = { moves, bytesSent };
  to.arrivals.set(from, compiled);
  return compiled;
}
