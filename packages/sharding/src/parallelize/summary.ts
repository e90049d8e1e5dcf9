/**
 * A model's parameters on a mesh, as a table.
 *
 * @packageDocumentation
 */
import { alignColumns } from "../inspect/align-columns.ts";
import { formatMesh, type MeshGeometry } from "../mesh.ts";
import { formatPlacement } from "../placement.ts";
import type { PlacedParameter } from "./resolve-plan.ts";

/** What `parallelize` decided. */
export interface ParallelSummary {
  readonly mesh: MeshGeometry;
  /** In the model's order. */
  readonly parameters: readonly PlacedParameter[];
}

/** Parameters that differ only in numbers of their names. */
interface Row {
  readonly name: string;
  readonly parameters: readonly PlacedParameter[];
}

/**
 * One line per parameter; those of numbered modules that are placed alike share one, and count.
 *
 * ```
 * parameter              shape     placement    bytes per rank
 * blocks.*.up.weight x2  [8, 20]   tp Shard(1)             640
 * head.weight            [8, 13]   replicated              416
 * total                                          1056 of 1696
 * ```
 */
export function drawParameters({ mesh, parameters }: ParallelSummary): string {
  const rows = groupNumbered(parameters).map(({ name, parameters: alike }) => [
    alike.length > 1 ? `${name} x${alike.length}` : name,
    `[${alike[0]!.shape.join(", ")}]`,
    placementText(alike[0]!, mesh),
    rangeText(sumPerRank(alike)),
  ]);
  const whole = parameters.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
  const total = ["total", "", "", `${rangeText(sumPerRank(parameters))} of ${whole}`];
  const table = alignColumns([["parameter", "shape", "placement", "bytes per rank"], ...rows, total], {
    right: 1,
  });
  return `${parameters.length} parameters on ${formatMesh(mesh)}\n\n${table}`;
}

/** Bytes of several parameters on each rank. */
export function sumPerRank(parameters: readonly PlacedParameter[]): number[] {
  const numRanks = parameters[0]?.bytesPerRank.length ?? 0;
  return Array.from({ length: numRanks }, (_, rank) =>
    parameters.reduce((sum, { bytesPerRank }) => sum + bytesPerRank[rank]!, 0),
  );
}

/** `dp Shard(0), tp Shard(1)`: the axes that split the parameter, or `replicated`. */
export function placementText(
  { placements }: Pick<PlacedParameter, "placements">,
  mesh: MeshGeometry,
): string {
  const splits = placements.flatMap((placement, axis) =>
    placement.kind === "replicate" ? [] : [`${mesh.axisNames[axis]!} ${formatPlacement(placement)}`],
  );
  return splits.length === 0 ? "replicated" : splits.join(", ");
}

/** Joins `blocks.0.up.weight` and `blocks.1.up.weight` to `blocks.*.up.weight` where shape and placements agree. */
export function groupNumbered(parameters: readonly PlacedParameter[]): Row[] {
  const groups = new Map<string, PlacedParameter[]>();
  for (const parameter of parameters) {
    const name = parameter.name.replaceAll(/(?<=^|\.)\d+(?=\.|$)/g, "*");
    const key = `${name} ${parameter.shape.join()} ${parameter.placements.map(formatPlacement).join()}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(parameter);
  }
  return [...groups].map(([key, alike]) => ({
    name: alike.length > 1 ? key.slice(0, key.indexOf(" ")) : alike[0]!.name,
    parameters: alike,
  }));
}

function rangeText(bytes: readonly number[]): string {
  const most = Math.max(0, ...bytes);
  const least = Math.min(most, ...bytes);
  return least === most ? String(most) : `${least}..${most}`;
}
