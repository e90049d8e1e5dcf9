/**
 * `explainRedistribute`: how a tensor would get from one layout to another, and what that costs.
 *
 * @packageDocumentation
 */
import type { CollectiveName } from "@meshwright/core";
import { util, type DataType } from "@tensorflow/tfjs";
import { formatMesh, productName, type MeshGeometry } from "../mesh.ts";
import { checkCosts } from "../mesh-costs.ts";
import { formatPlacement, type Placement } from "../placement.ts";
import { resolvePlacements, type PlacementSpec } from "../placement-spec.ts";
import { bytesSentPerRank, type MovedTensor } from "./move-bytes.ts";
import { moveCost } from "./move-cost.ts";
import type { Move } from "./move.ts";
import { planRedistribute } from "./planner.ts";

/** What `explainRedistribute` is asked. */
export interface RedistributeQuestion {
  /** Global shape. */
  readonly shape: readonly number[];
  /** Default `"float32"`. */
  readonly dtype?: DataType;
  /** Axes that are not named are `Replicate()`. */
  readonly from: PlacementSpec;
  /** Axes that are not named stay as they are. */
  readonly to: PlacementSpec;
}

/** One step on the way. */
export interface RedistributeStep {
  /** The axes whose ranks take part, in mesh order. */
  readonly axes: readonly string[];
  /** The ledger's name of their group: the axis, or `"dp+tp"` for a step over several. */
  readonly group: string;
  /** The ledger's name of the collective; `"local"`: each rank copies, nothing is sent. */
  readonly collective: Extract<CollectiveName, Move["kind"]> | "local";
  /** Placements along `axes`, before and after. */
  readonly from: readonly Placement[];
  readonly to: readonly Placement[];
  /** Bytes that each rank sends, by its row-major position in the mesh: what the ledger of that rank will show. */
  readonly bytesSentPerRank: readonly number[];
  /** Milliseconds by the costs of the mesh: latency, plus the bytes of the busiest rank over the bandwidth. */
  readonly predictedMs: number;
}

/** How a tensor gets from one layout to another. */
export interface RedistributeExplanation {
  readonly mesh: MeshGeometry;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** One per mesh axis. */
  readonly from: readonly Placement[];
  readonly to: readonly Placement[];
  /** Empty if nothing has to move. */
  readonly steps: readonly RedistributeStep[];
  /** Sum over the steps, by row-major position in the mesh. */
  readonly bytesSentPerRank: readonly number[];
  readonly predictedMs: number;
}

/**
 * The steps that `redistribute` would take. No communication, and no ranks: `mesh` may be one that does not exist.
 *
 * The bytes are those that the ledger shows, exactly and for every rank, short and empty shards included.
 *
 * @example
 * ```ts
 * const mesh = { axisNames: ["dp", "tp"], shape: [8, 8] }; // 64 ranks
 * const explanation = explainRedistribute(mesh, {
 *   shape: [1024, 768],
 *   from: { dp: Shard(0), tp: Shard(0) },
 *   to: { dp: Replicate(), tp: Replicate() },
 * });
 * explanation.steps.map(({ collective, group }) => `${collective} over ${group}`); // ["allGather over dp+tp"]
 * explanation.bytesSentPerRank[0]; // 3096576 = 4 * 1024 * 768 * 63 / 64
 * ```
 * @example A partial sum over a slow and a fast axis: only a quarter of it crosses the slow one.
 * ```ts
 * const explanation = explainRedistribute(
 *   {
 *     axisNames: ["dp", "tp"],
 *     shape: [2, 4],
 *     costs: { dp: { bandwidth: 1e9, latencyMs: 0.02 }, tp: { bandwidth: 1e11, latencyMs: 0.002 } },
 *   },
 *   {
 *     shape: [1000, 400],
 *     from: { dp: Partial(), tp: Partial() },
 *     to: { dp: Replicate(), tp: Replicate() },
 *   },
 * );
 * console.log(formatRedistribute(explanation));
 * // float32[1000, 400] on { dp: 2, tp: 4 }
 * //
 * // step  collective     group  from            to           bytes sent per rank      ms
 * //    1  reduceScatter  tp     Partial("sum")  Shard(0)                 1200000  0.0140
 * //    2  allReduce      dp     Partial("sum")  Replicate()               400000  0.4200
 * //    3  allGather      tp     Shard(0)        Replicate()              1200000  0.0140
 * //       total                                                          2800000  0.4480
 * ```
 * @example Uneven shards: rank 1 holds rows 3 and 4 and sends less.
 * ```ts
 * const mesh = { axisNames: ["tp"], shape: [2] };
 * const question = { shape: [5, 4], from: { tp: Shard(0) }, to: { tp: Shard(1) } };
 * explainRedistribute(mesh, question).bytesSentPerRank; // [24, 16]
 * ```
 * @throws ContractError on an unknown axis, a dim outside the tensor, or a cost that is not a number.
 */
export function explainRedistribute(
  mesh: MeshGeometry,
  { shape, dtype = "float32", from: fromSpec, to: toSpec }: RedistributeQuestion,
): RedistributeExplanation {
  checkCosts("explainRedistribute", mesh.axisNames, mesh.costs ?? {});
  const from = resolvePlacements("explainRedistribute", mesh, fromSpec, { shape, dtype });
  const to = resolvePlacements("explainRedistribute", mesh, toSpec, { shape, dtype }, from);
  const bytesPerElement = dtype === "string" ? 0 : util.bytesPerElement(dtype);
  const tensor = { shape, bytesPerElement, meshShape: mesh.shape };
  const moves = planRedistribute(mesh, { shape, bytesPerElement, from, to });
  const steps = moves.map((move) => stepOf(move, mesh, tensor));
  const numRanks = mesh.shape.reduce((a, b) => a * b, 1);
  return {
    ...{ mesh, shape, dtype, from, to, steps },
    bytesSentPerRank: Array.from({ length: numRanks }, (_, rank) =>
      steps.reduce((total, step) => total + step.bytesSentPerRank[rank]!, 0),
    ),
    predictedMs: steps.reduce((total, step) => total + step.predictedMs, 0),
  };
}

function stepOf(move: Move, mesh: MeshGeometry, tensor: MovedTensor): RedistributeStep {
  return {
    axes: move.axes.map((axis) => mesh.axisNames[axis]!),
    group: productName(mesh.axisNames, move.axes),
    collective: move.kind,
    from: move.axes.map((axis) => move.from[axis]!),
    to: move.axes.map((axis) => move.to[axis]!),
    bytesSentPerRank: bytesSentPerRank(move, tensor),
    predictedMs: moveCost(move, mesh, tensor),
  };
}

/** The explanation as an aligned table. Where ranks send different amounts, the least and the most. */
export function formatRedistribute(explanation: RedistributeExplanation): string {
  const { mesh, shape, dtype, steps, bytesSentPerRank: totals, predictedMs } = explanation;
  const title = `${dtype}[${shape.join(", ")}] on ${formatMesh(mesh)}`;
  if (steps.length === 0) return `${title}\n\nnothing to do\n`;
  const header = ["step", "collective", "group", "from", "to", "bytes sent per rank", "ms"];
  const rows = steps.map((step, i) => [
    String(i + 1),
    step.collective,
    step.group,
    step.from.map(formatPlacement).join(", "),
    step.to.map(formatPlacement).join(", "),
    rangeOf(step.bytesSentPerRank),
    step.predictedMs.toFixed(4),
  ]);
  rows.push(["", "total", "", "", "", rangeOf(totals), predictedMs.toFixed(4)]);
  const widths = header.map((name, c) => Math.max(name.length, ...rows.map((row) => row[c]!.length)));
  const isNumber = [true, false, false, false, false, true, true];
  const lines = [header, ...rows].map((row) =>
    row.map((cell, c) => (isNumber[c]! ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!))).join("  "),
  );
  return `${title}\n\n${lines.join("\n")}\n`;
}

function rangeOf(bytes: readonly number[]): string {
  const [least, most] = [Math.min(...bytes), Math.max(...bytes)].map(Math.round);
  return least === most ? String(most) : `${least} to ${most}`;
}
