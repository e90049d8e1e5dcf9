/**
 * Tensors that several stages of a pipeline hold alike (tied weights): the first of the stages writes them.
 *
 * @packageDocumentation
 */
import type { ProcessGroup } from "@meshwright/core";

/**
 * The names that a rank at a lower position of the pipeline's axis has too. A collective: two all-gathers, of 4 bytes and
 * of the names.
 */
export function namesOfEarlierStages(group: ProcessGroup, names: Iterable<string>): ReadonlySet<string> {
  const own = new Uint8Array(Buffer.from(JSON.stringify([...names]), "utf8"));
  const label = "saveCheckpoint: names";
  const counts = [...group.allGather(Int32Array.of(own.length), { label })];
  const all = Buffer.from(group.allGather(own, { counts, label }));
  const earlier = new Set<string>();
  let start = 0;
  for (const count of counts.slice(0, group.rank)) {
    const text = all.subarray(start, start + count).toString("utf8");
    for (const name of JSON.parse(text) as string[]) earlier.add(name);
    start += count;
  }
  return earlier;
}
