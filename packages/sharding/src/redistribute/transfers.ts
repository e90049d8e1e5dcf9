/**
 * Who sends what to whom in an all-to-all between two layouts.
 *
 * Every rank gets each block that it lacks from one of the ranks that hold it. Where several do (replicas), the one that
 * has sent least so far is asked, so that all share the work:
 *
 * ```
 *   Shard(0), Replicate -> Replicate, Shard(0) on 2 x 2: rank 1 gets chunk 1 from rank 2, rank 2 gets chunk 0 from rank 1
 *     before  0: A  1: A          after  0: A  1: B
 *             2: B  3: B                 2: A  3: B
 * ```
 *
 * @packageDocumentation
 */
import type { Region } from "../layout.ts";

/** A box of elements that one rank gets from another, or keeps (`sender === receiver`). Positions in the group. */
export interface Transfer {
  readonly sender: number;
  readonly receiver: number;
  /** In global indices. */
  readonly box: Region;
}

/** All transfers of a group, by receiver, then by where the boxes lie. Pure: every rank computes the same list. */
export function transfersBetween(have: readonly Region[], want: readonly Region[]): Transfer[] {
  const transfers: Transfer[] = [];
  visitTransfers(have, want, (sender, receiver) => {
    transfers.push({ sender, receiver, box: intersection(have[sender]!, want[receiver]!) });
  });
  return transfers;
}

/** Elements that each position sends to others. */
export function elementsSent(have: readonly Region[], want: readonly Region[]): number[] {
  return visitTransfers(have, want, () => undefined);
}

/** Calls `visit` for each transfer; returns the elements that each position sends to others. */
function visitTransfers(
  have: readonly Region[],
  want: readonly Region[],
  visit: (sender: number, receiver: number) => void,
): number[] {
  const { blocks, holders, blockOf } = blocksOf(have);
  const load = new Array<number>(have.length).fill(0);
  for (let receiver = 0; receiver < want.length; receiver++) {
    for (let index = 0; index < blocks.length; index++) {
      const elements = numCommon(want[receiver]!, blocks[index]!);
      if (elements === 0) continue;
      const sender = blockOf[receiver] === index ? receiver : leastLoaded(holders[index]!, load);
      if (sender !== receiver) load[sender]! += elements;
      visit(sender, receiver);
    }
  }
  return load;
}

/** The distinct blocks, who holds each, and which one each position holds. */
function blocksOf(have: readonly Region[]): {
  readonly blocks: readonly Region[];
  readonly holders: readonly (readonly number[])[];
  readonly blockOf: readonly number[];
} {
  const blocks: Region[] = [];
  const holders: number[][] = [];
  const indices = new Map<string, number>();
  const blockOf = have.map((region, position) => {
    const key = `${region.offset.join()}:${region.shape.join()}`;
    let index = indices.get(key);
    if (index === undefined) {
      index = blocks.push(region) - 1;
      indices.set(key, index);
      holders.push([]);
    }
    holders[index]!.push(position);
    return index;
  });
  return { blocks, holders, blockOf };
}

/** How many elements are in both regions. */
function numCommon(a: Region, b: Region): number {
  let count = 1;
  for (let dim = 0; dim < a.shape.length; dim++) {
    const [aStart, bStart] = [a.offset[dim]!, b.offset[dim]!];
    const size = Math.min(aStart + a.shape[dim]!, bStart + b.shape[dim]!) - Math.max(aStart, bStart);
    if (size <= 0) return 0;
    count *= size;
  }
  return count;
}

/** The elements in both regions, of which there are some. */
function intersection(a: Region, b: Region): Region {
  const offset = a.offset.map((start, dim) => Math.max(start, b.offset[dim]!));
  const shape = offset.map(
    (start, dim) => Math.min(a.offset[dim]! + a.shape[dim]!, b.offset[dim]! + b.shape[dim]!) - start,
  );
  return { offset, shape };
}

function leastLoaded(positions: readonly number[], load: readonly number[]): number {
  let best = positions[0]!;
  for (const position of positions) if (load[position]! < load[best]!) best = position;
  return best;
}
