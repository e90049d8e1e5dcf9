/**
 * Where the pieces of a concatenation start.
 *
 * @packageDocumentation
 */

/** `offsets[r]` = sum of `counts` before `r`. */
export function offsetsOf(counts: readonly number[]): readonly number[] {
  const offsets: number[] = [];
  let total = 0;
  for (const count of counts) {
    offsets.push(total);
    total += count;
  }
  return offsets;
}
