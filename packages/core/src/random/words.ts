/**
 * Random words for a region: the word at each element's global index, handed over in pieces.
 *
 * @packageDocumentation
 */
import { philoxBlocks, type PhiloxKey } from "./philox.ts";
import { forEachRun, type Region } from "./region.ts";

/** Blocks per piece: 8 KiB of words stay in the first-level cache. */
const BLOCKS_PER_PIECE = 512;

/**
 * Consumes one piece: local elements `localStart..localStart+length-1` belong to `words[lane]..words[lane+length-1]`.
 * `words[0]` is always lane 0 of a block, so `words[i ^ 1]` is the other word of an element's pair.
 */
export type WordConsumer = (words: Uint32Array, lane: number, localStart: number, length: number) => void;

/**
 * Gives `consume` word `i` of `key`'s stream for each element of `region`, where `i` is the element's flat global index.
 */
export function forEachWord(region: Region, key: PhiloxKey, consume: WordConsumer): void {
  const words = new Uint32Array(4 * BLOCKS_PER_PIECE);
  forEachRun(region, (globalStart, localStart, length) => {
    let done = 0;
    while (done < length) {
      const index = globalStart + done;
      const firstBlock = Math.floor(index / 4);
      const lane = index - 4 * firstBlock;
      const take = Math.min(length - done, words.length - lane);
      philoxBlocks(words, key, { firstBlock, numBlocks: Math.ceil((lane + take) / 4) });
      consume(words, lane, localStart + done, take);
      done += take;
    }
  });
}
