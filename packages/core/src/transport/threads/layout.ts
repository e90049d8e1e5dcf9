/**
 * Where everything lies in the shared memory of a threads world.
 *
 * ```text
 * | global | doorbell per rank | status per rank | signals per pair | mailbox counters per pair |   control
 * | reduction table per rank | texts per rank | scratch per rank |                                private
 * | outbox slots per rank | mailbox per pair |                                                     data
 * ```
 *
 * All offsets are in words of 4 bytes. Everything that one thread writes while another polls its neighbour has a line of
 * its own.
 *
 * @packageDocumentation
 */

/** 128 bytes: two cache lines, because x86 prefetches them in pairs. */
export const LINE_WORDS = 32;
/**
 * Outbox slots per rank. A rank fills piece `k` while others may still read pieces `k - 1` and `k - 2`; three slots
 * therefore need no signal beyond the one per piece.
 */
export const NUM_SLOTS = 3;
/** Words before the data of a slot: the call that is compared across ranks. One cache line, so that data starts a line. */
export const SLOT_HEADER_WORDS = 16;
/** Words of a message's header in a mailbox; every message is padded to this. */
export const MESSAGE_HEADER_WORDS = 8;
/** Largest piece (bytes) that a rank reduces outside its slot. */
export const SCRATCH_BYTES = 131_072;
/** Texts of a rank: the description of its call, why it failed, and the names it used. */
export const DESCRIPTION_WORDS = 1024;
export const FAILURE_WORDS = 2048;
export const NAMES_WORDS = 8192;

/** Words of the global line. */
export const ABORTED = 0;
/** Number of times that any rank asked all blocked ranks to describe their calls. */
export const DESCRIBE_REQUESTS = 1;
/** Number of ranks that have failed. */
export const FAILURES = 2;

/** Words of a doorbell line. */
export const DOORBELL = 0;
export const SLEEPING = 1;

/** What the layout depends on. */
export interface LayoutSizes {
  readonly ranks: number;
  readonly chunkBytes: number;
  readonly mailboxBytes: number;
}

/** Word offsets of the regions, and words per item where it depends on the sizes. */
export interface ThreadsLayout {
  readonly doorbells: number;
  readonly status: number;
  readonly signals: number;
  readonly mailCounters: number;
  readonly tables: number;
  readonly tableWords: number;
  readonly texts: number;
  readonly textWords: number;
  readonly scratch: number;
  readonly scratchWords: number;
  readonly slots: number;
  readonly slotWords: number;
  readonly mailboxes: number;
  readonly mailboxWords: number;
  /** Words in all. */
  readonly words: number;
}

/** Lines of one rank's status. */
export const STATUS_WORDS = 2 * LINE_WORDS;
/** One line for the sender's counter, one for the receiver's. */
export const MAIL_COUNTER_WORDS = 2 * LINE_WORDS;

/** Lays out the memory of a world. */
export function threadsLayout({ ranks, chunkBytes, mailboxBytes }: LayoutSizes): ThreadsLayout {
  let words = LINE_WORDS;
  const region = (items: number, wordsPerItem: number): number => {
    const at = words;
    words += items * wordsPerItem;
    return at;
  };
  const pairs = ranks * ranks;
  const tableWords = wholeLines(ranks);
  const textWords = DESCRIPTION_WORDS + FAILURE_WORDS + NAMES_WORDS;
  const scratchWords = SCRATCH_BYTES / 4;
  const slotWords = wholeLines(SLOT_HEADER_WORDS + chunkBytes / 4);
  const mailboxWords = mailboxBytes / 4;
  const doorbells = region(ranks, LINE_WORDS);
  const status = region(ranks, STATUS_WORDS);
  const signals = region(pairs, LINE_WORDS);
  const mailCounters = region(pairs, MAIL_COUNTER_WORDS);
  const tables = region(ranks, tableWords);
  const texts = region(ranks, textWords);
  const scratch = region(ranks, scratchWords);
  const slots = region(ranks * NUM_SLOTS, slotWords);
  const mailboxes = region(pairs, mailboxWords);
  return {
    ...{ doorbells, status, signals, mailCounters, tables, tableWords, texts, textWords },
    ...{ scratch, scratchWords, slots, slotWords, mailboxes, mailboxWords, words },
  };
}

function wholeLines(words: number): number {
  return Math.ceil(words / LINE_WORDS) * LINE_WORDS;
}
