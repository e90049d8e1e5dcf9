/**
 * Moves a rank's local tensor from one layout to another.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { regionOf, type Layout } from "../layout.ts";
import type { DeviceMesh } from "../mesh.ts";
import { Replicate, type Placement } from "../placement.ts";
import { moveBytes } from "../redistribute/cost.ts";
import { executeStep } from "../redistribute/execute.ts";
import { redistributeSteps, type Step } from "../redistribute/steps.ts";
import { numElements } from "../layout.ts";
import { util } from "@tensorflow/tfjs";
import type { EngineDoor } from "./engine-door.ts";
import type { MeshLayout } from "./layout-table.ts";

/** The placements of a layout on `mesh`; a value that is the same everywhere counts as replicated. */
export function placementsOn(layout: Layout, mesh: DeviceMesh): readonly Placement[] {
  return layout.mesh === undefined ? mesh.shape.map(() => Replicate()) : layout.placements;
}

/**
 * The local tensor of the same value in layout `to`. A collective along every axis whose placement changes.
 *
 * The result is a new reference owned by the caller; `local` stays the caller's.
 */
export function moveLocal(local: TensorInfo, from: Layout, to: MeshLayout, door: EngineDoor): TensorInfo {
  const { mesh } = to;
  const placements = [...placementsOn(from, mesh)];
  let current = local;
  for (const step of redistributeSteps(placements, to.placements)) {
    const next = takeStep(current, placements, step, to, door);
    if (current !== local) door.dispose(current);
    current = next;
    placements[step.axis] = step.to;
  }
  return current === local ? door.share(local) : current;
}

function takeStep(
  local: TensorInfo,
  placements: readonly Placement[],
  step: Step,
  to: MeshLayout,
  door: EngineDoor,
): TensorInfo {
  const { mesh } = to;
  const axis = mesh.axisNames[step.axis]!;
  if (mesh.shape[step.axis] === 1) return door.share(local);
  const others = placements.map((placement, other) => (other === step.axis ? Replicate() : placement));
  const whole = regionOf(to.shape, others, mesh.shape, mesh.coordinate);
  return executeStep(local, step, {
    engine: door.engine,
    group: mesh.group(axis),
    dtype: to.dtype,
    wholeShape: whole.shape,
  });
}

/** Bytes that a rank sends for the move (even shards; the ledger counts the real ones). */
export function predictMoveBytes(from: Layout, to: MeshLayout): number {
  const placements = [...placementsOn(from, to.mesh)];
  const coordinate = to.mesh.shape.map(() => 0);
  let total = 0;
  for (const step of redistributeSteps(placements, to.placements)) {
    const others = placements.map((placement, other) => (other === step.axis ? Replicate() : placement));
    const whole = regionOf(to.shape, others, to.mesh.shape, coordinate);
    const bytes = numElements(whole.shape) * util.bytesPerElement(to.dtype);
    total += moveBytes(step.from, step.to, bytes, to.mesh.shape[step.axis]!);
    placements[step.axis] = step.to;
  }
  return total;
}
