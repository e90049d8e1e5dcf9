/**
 * Which axes of a mesh cross hosts.
 *
 * ```
 *   { dp: 2, tp: 4 }         tp ->
 *                     dp  |  0  1  2  3    node-a
 *                         v  4  5  6  7    node-b        dp crosses hosts, tp stays inside
 * ```
 *
 * @packageDocumentation
 */

/** A mesh, as far as it matters here. */
interface Grid {
  readonly axisNames: readonly string[];
  /** Ranks along each axis. */
  readonly shape: readonly number[];
}

/** Every line of positions (row-major) that differ only along the axis at index `axis`. */
export function linesAlong(shape: readonly number[], axis: number): readonly (readonly number[])[] {
  const size = shape[axis]!;
  const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const numPositions = shape.reduce((a, b) => a * b, 1);
  const positions = Array.from({ length: numPositions }, (_, position) => position);
  return positions
    .filter((position) => Math.floor(position / stride) % size === 0)
    .map((start) => Array.from({ length: size }, (_, step) => start + step * stride));
}

/** The first line along an axis that is on more than one host. `hosts` has the host of every position. */
export function crossingLine(
  { shape }: Grid,
  axis: number,
  hosts: readonly string[],
): readonly number[] | undefined {
  return linesAlong(shape, axis).find((line) => hostsOf(line, hosts).length > 1);
}

/** Names of the axes that have such a line. */
export function crossingAxes(grid: Grid, hosts: readonly string[]): readonly string[] {
  return grid.axisNames.filter((_, axis) => crossingLine(grid, axis, hosts) !== undefined);
}

/** The hosts of some positions, each once. */
export function hostsOf(line: readonly number[], hosts: readonly string[]): readonly string[] {
  return [...new Set(line.map((position) => hosts[position]!))];
}
