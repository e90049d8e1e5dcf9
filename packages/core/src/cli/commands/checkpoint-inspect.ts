/**
 * What a checkpoint holds, in words.
 *
 * @packageDocumentation
 */
import { numElements } from "../../checkpoint/box.ts";
import { CheckpointReader } from "../../checkpoint/checkpoint-reader.ts";
import type { CheckpointIndex, TensorRecord } from "../../checkpoint/checkpoint-index.ts";
import { elementBytes } from "../../checkpoint/dtype.ts";
import { formatBytes } from "../format-bytes.ts";

const OPTIMIZER_PREFIX = "optimizer.";

/** The text of `meshwright checkpoint inspect`. */
export function inspectCheckpoint(
  path: string,
  { all, json }: { readonly all: boolean; readonly json: boolean },
): string {
  const reader = new CheckpointReader(path);
  reader.close();
  const { folder, index } = reader;
  if (json) return `${JSON.stringify({ folder, ...index }, undefined, 2)}\n`;
  // blocks.2 before blocks.10.
  const entries = Object.entries(index.tensors).sort(([a], [b]) =>
    a.localeCompare(b, "en", { numeric: true }),
  );
  const parameters = entries.filter(([name]) => !name.startsWith(OPTIMIZER_PREFIX));
  const others = entries.filter(([name]) => name.startsWith(OPTIMIZER_PREFIX));
  const lines = [
    folder,
    ...summary(index),
    totalLine("parameters", parameters),
    ...(others.length === 0 ? [] : [`${totalLine("optimizer", others)}${all ? "" : " (--all lists them)"}`]),
    "",
    ...table(all ? entries : parameters),
  ];
  return `${lines.join("\n")}\n`;
}

function summary({ step, mesh, files, optimizer, dataPosition, random }: CheckpointIndex): string[] {
  const axes = Object.entries(mesh).map(([axis, size]) => `${axis}: ${size}`);
  const fileBytes = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  const numFiles = Object.keys(files).length;
  const counters = Object.keys(random?.callIndices ?? {}).length;
  return [
    `step        ${step}`,
    `mesh        ${axes.length === 0 ? "none" : `{ ${axes.join(", ")} }`}`,
    `files       ${numFiles}, ${formatBytes(fileBytes)}`,
    ...(optimizer === null ? [] : [`state       ${optimizer.kind} after ${optimizer.numSteps} steps`]),
    ...(counters === 0
      ? []
      : [`random      ${counters} layer${counters === 1 ? "" : "s"} with a call number`]),
    ...(dataPosition === null ? [] : [`data        ${JSON.stringify(dataPosition)}`]),
  ];
}

function totalLine(what: string, entries: readonly (readonly [string, TensorRecord])[]): string {
  const elements = entries.reduce((sum, [, { shape }]) => sum + numElements(shape), 0);
  const bytes = entries.reduce((sum, [, tensor]) => sum + bytesOf(tensor), 0);
  return `${what.padEnd(12)}${entries.length} tensors, ${elements.toLocaleString("en-US")} elements, ${formatBytes(bytes)}`;
}

function bytesOf({ dtype, shape }: TensorRecord): number {
  return numElements(shape) * elementBytes(dtype);
}

function table(entries: readonly (readonly [string, TensorRecord])[]): string[] {
  const rows = [
    ["tensor", "dtype", "shape", "size", "pieces"],
    ...entries.map(([name, tensor]) => [
      name,
      tensor.dtype,
      `[${tensor.shape.join(", ")}]`,
      formatBytes(bytesOf(tensor)),
      pieces(tensor),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 3 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** `whole`, or how many of which shapes: `2 x [12, 6]`. */
function pieces({ pieces, shape }: TensorRecord): string {
  if (pieces.length === 1 && pieces[0]!.shape.join() === shape.join()) return "whole";
  const counts = new Map<string, number>();
  for (const piece of pieces) {
    const text = `[${piece.shape.join(", ")}]`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${count} x ${text}`).join(", ");
}
