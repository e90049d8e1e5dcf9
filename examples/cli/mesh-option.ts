/**
 * The value of `--mesh`: mesh axes and their sizes, for example `dp=2,tp=4`.
 *
 * @packageDocumentation
 */

/** A size per axis, in the order of the example's axes. Axes that the user left out have size 1. */
export type MeshSizes<Axis extends string> = Readonly<Record<Axis, number>>;

/** The product of the sizes: how many ranks the mesh takes. */
export function rankCount(mesh: Readonly<Record<string, number>>): number {
  return Object.values(mesh).reduce((product, size) => product * size, 1);
}

/**
 * Reads `axis=size` pairs separated by commas.
 *
 * @returns the sizes, or every problem of the text at once, one sentence each.
 *
 * @example
 * ```ts
 * readMesh("tp=2", ["dp", "tp"]); // { mesh: { dp: 1, tp: 2 }, problems: [] }
 * ```
 */
export function readMesh<Axis extends string>(
  text: string,
  axes: readonly Axis[],
): { readonly mesh: MeshSizes<Axis>; readonly problems: readonly string[] } {
  const sizes = new Map<string, number>();
  const problems: string[] = [];
  for (const pair of text.split(",")) {
    const problem = readPair(pair.trim(), axes, sizes);
    if (problem !== undefined) problems.push(problem);
  }
  const entries = axes.map((axis) => [axis, sizes.get(axis) ?? 1] as const);
  return { mesh: Object.fromEntries(entries) as MeshSizes<Axis>, problems };
}

/** Enters one pair into `sizes`, or says what is wrong with it. */
function readPair(pair: string, axes: readonly string[], sizes: Map<string, number>): string | undefined {
  const example = axes.map((axis) => `${axis}=${axis === axes.at(-1) ? 2 : 1}`).join(",");
  const [, axis, size] = /^([^=]*)=(.*)$/.exec(pair) ?? [];
  if (axis === undefined || size === undefined || axis === "" || size === "") {
    return `pair ("${pair}") must be axis=size; use for example --mesh ${example}.`;
  }
  if (!axes.includes(axis)) {
    return `axis ("${axis}") must be one of this example's axes (${axes.join(", ")}); use for example --mesh ${example}.`;
  }
  if (sizes.has(axis)) {
    return `axis ("${axis}") must be given once, but "${pair}" repeats it; use one size per axis.`;
  }
  if (!/^[0-9]+$/.test(size) || Number(size) < 1 || !Number.isSafeInteger(Number(size))) {
    return `size of axis "${axis}" (${size}) must be a positive integer; use for example ${axis}=2.`;
  }
  sizes.set(axis, Number(size));
  return undefined;
}
