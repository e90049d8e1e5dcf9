/**
 * Sets matrices of host values side by side.
 *
 * @packageDocumentation
 */

/** `[R, C]` of each becomes `[R, n C]`, row-major; vectors are one row. */
export function joinColumns(matrices: readonly Float32Array[], columns: number): Float32Array {
  const width = columns * matrices.length;
  const rows = (matrices[0]?.length ?? 0) / columns;
  const joined = new Float32Array(rows * width);
  matrices.forEach((values, i) => {
    for (let row = 0; row < rows; row++) {
      joined.set(values.subarray(row * columns, (row + 1) * columns), row * width + i * columns);
    }
  });
  return joined;
}
