/**
 * Reads a box of a tensor in few reads.
 *
 * ```text
 *   4 of 12 columns:   ....XXXX....  ....XXXX....  ....XXXX....
 *   wide gaps:             ^--^          ^--^          ^--^       a read per row
 *   narrow gaps:           ^------------------------------^       one read of some rows, gaps included
 * ```
 *
 * @see Thakur, Gropp, Lusk 1999, "Data sieving and collective I/O in ROMIO", section 4,
 * https://doi.org/10.1109/FMPC.1999.750599
 * @packageDocumentation
 */
import { forEachRun } from "../random/region.ts";
import { numElements, type Box } from "../checkpoint/box.ts";
import { elementBytes } from "../checkpoint/dtype.ts";
import type { SafetensorsFile } from "../checkpoint/read-safetensors.ts";

/**
 * A page. A disk reads the pages of a gap below it anyway; from the page cache, 4 KiB take as long as a call of
 * `readSync` does (0.6 us).
 */
export const DEFAULT_GAP_BYTES = 4096;

/** Bounds the memory that gaps take. */
const MAX_READ_BYTES = 2 ** 22;

/** The bytes of a box, row-major. Gaps of at most `maxGapBytes` between what is wanted are read with it. */
export function readPart(
  file: SafetensorsFile,
  name: string,
  part: Box & { maxGapBytes: number },
): Uint8Array {
  const { dtype, shape } = file.entry(name);
  const size = elementBytes(dtype);
  const bytes = new Uint8Array(numElements(part.shape) * size);
  const { length, gap } = runsOf(shape, part);
  if (gap * size > part.maxGapBytes || gap === 0) {
    file.readBox(name, part, bytes);
    return bytes;
  }
  const runsPerRead = Math.max(1, Math.floor(MAX_READ_BYTES / ((length + gap) * size)));
  for (const group of groups(runStarts(shape, part), runsPerRead)) {
    readGroup(file, name, { ...group, length, size, bytes });
  }
  return bytes;
}

/** Elements of a run, and the fewest between two runs; a gap of 0 if there is but one. */
function runsOf(shape: readonly number[], part: Box): { readonly length: number; readonly gap: number } {
  const starts = runStarts(shape, part);
  const length = starts.length === 0 ? 0 : numElements(part.shape) / starts.length;
  return { length, gap: starts.length < 2 ? 0 : starts[1]! - starts[0]! - length };
}

/** Where the runs of the box begin in the tensor. */
function runStarts(shape: readonly number[], part: Box): readonly number[] {
  const starts: number[] = [];
  forEachRun({ globalShape: shape, localShape: part.shape, offset: part.offset }, (start) => {
    starts.push(start);
  });
  return starts;
}

interface Group {
  readonly starts: readonly number[];
  /** Number of the first run. */
  readonly first: number;
}

function groups(starts: readonly number[], size: number): readonly Group[] {
  const count = Math.ceil(starts.length / size);
  return Array.from({ length: count }, (_, i) => ({
    starts: starts.slice(i * size, (i + 1) * size),
    first: i * size,
  }));
}

/** One read from the first run's start to the last one's end; runs are copied to their places. */
function readGroup(
  file: SafetensorsFile,
  name: string,
  { starts, first, length, size, bytes }: Group & { length: number; size: number; bytes: Uint8Array },
): void {
  const from = starts[0]!;
  const read = file.readBytes(name, { from, to: starts.at(-1)! + length });
  starts.forEach((start, i) => {
    const at = (start - from) * size;
    bytes.set(read.subarray(at, at + length * size), (first + i) * length * size);
  });
}
