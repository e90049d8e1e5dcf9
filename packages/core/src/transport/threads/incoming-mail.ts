/**
 * The receiving end of one mailbox.
 *
 * Messages leave the ring in the order sent. One that nobody waits for yet (another tag or group, or the rank is blocked
 * elsewhere) goes to a stash in this thread's own memory, so a full mailbox never blocks the messages behind it, and two
 * ranks that send to each other at once both get through.
 *
 * @packageDocumentation
 */
import type { ArenaMemory } from "./arena-memory.ts";
import {
  MESSAGE_ALIGNMENT,
  padded,
  readMessageHeader,
  type MessageHeader,
  type MessageKey,
} from "./message.ts";
import type { Waiter } from "./waiter.ts";

/** A message that is being taken out of the ring, or was. */
interface Message {
  readonly header: MessageHeader;
  readonly data: Uint8Array;
  received: number;
  /** Whether a waiting `receive` took the message off the ring itself. */
  isTaken: boolean;
}

/** Receives the messages of one rank from another one. */
export class IncomingMail {
  readonly #memory: ArenaMemory;
  readonly #waiter: Waiter;
  readonly #from: number;
  readonly #ring: number;
  readonly #tailCounter: number;
  readonly #headCounter: number;
  readonly #size: number;
  #head = 0;
  /** The message at the head of the ring, once its header is read. */
  #current: Message | undefined;
  /** Where the next message goes if its header is this one. */
  #direct: Message | undefined;
  readonly #stash: Message[] = [];

  constructor(memory: ArenaMemory, from: number, to: number, waiter: Waiter) {
    this.#memory = memory;
    this.#waiter = waiter;
    this.#from = from;
    this.#ring = memory.mailbox(from, to) * 4;
    this.#tailCounter = memory.mailTail(from, to);
    this.#headCounter = memory.mailHead(from, to);
    this.#size = memory.mailboxBytes;
  }

  /**
   * Fills `data` with the next message of `wanted`'s group and tag, and waits for it if need be. Returns the header of a
   * message of another length or dtype, which stays where it is.
   */
  receive(wanted: MessageHeader, data: Uint8Array): MessageHeader | undefined {
    const direct: Message = { header: wanted, data, received: 0, isTaken: false };
    this.#direct = this.#stashed(wanted) ? undefined : direct;
    try {
      for (;;) {
        this.take();
        // Before the stash: the next message of this group and tag may lie there already.
        if (direct.isTaken && isComplete(direct)) return undefined;
        const stashed = this.#stashed(wanted);
        if (!direct.isTaken && stashed) {
          if (!sameArray(stashed.header, wanted)) return stashed.header;
          if (isComplete(stashed)) {
            data.set(stashed.data);
            this.#stash.splice(this.#stash.indexOf(stashed), 1);
            return undefined;
          }
        }
        this.#waiter.waitAtLeast(this.#tailCounter, (this.#head + MESSAGE_ALIGNMENT) | 0, this.#from);
      }
    } finally {
      this.#direct = undefined;
    }
  }

  /** Takes everything out of the ring that is there. */
  take(): void {
    for (;;) {
      // An acquire: what the sender wrote before it advanced the counter is visible from here on.
      const available = (Atomics.load(this.#memory.words, this.#tailCounter) - this.#head) | 0;
      if (available <= 0) return;
      if (this.#current) this.#takeData(this.#current, available);
      else this.#takeHeader();
      if (this.#current && isComplete(this.#current)) this.#current = undefined;
      // After the bytes were read: the sender overwrites what lies before this counter.
      Atomics.store(this.#memory.words, this.#headCounter, this.#head);
      this.#waiter.ring(this.#from);
    }
  }

  #takeHeader(): void {
    const header = readMessageHeader(this.#memory.words, (this.#ring + this.#position()) / 4);
    this.#head = (this.#head + MESSAGE_ALIGNMENT) | 0;
    const direct = this.#direct;
    if (direct && sameKey(direct.header, header)) {
      this.#direct = undefined;
      if (sameArray(direct.header, header)) {
        direct.isTaken = true;
        this.#current = direct;
        return;
      }
    }
    this.#current = { header, data: new Uint8Array(header.byteLength), received: 0, isTaken: false };
    this.#stash.push(this.#current);
  }

  #takeData(message: Message, available: number): void {
    const position = this.#position();
    const left = message.data.length - message.received;
    // A quarter at a time: the sender fills one part while the next is emptied.
    const count = Math.min(left, available, this.#size - position, this.#size / 4);
    const start = this.#ring + position;
    message.data.set(this.#memory.bytes.subarray(start, start + count), message.received);
    message.received += count;
    this.#head = (this.#head + padded(count)) | 0;
  }

  #position(): number {
    return this.#head & (this.#size - 1);
  }

  #stashed(key: MessageKey): Message | undefined {
    return this.#stash.find(({ header }) => sameKey(header, key));
  }
}

function isComplete({ data, received }: Message): boolean {
  return received === data.length;
}

function sameKey(a: MessageKey, b: MessageKey): boolean {
  return a.context === b.context && a.tag === b.tag;
}

function sameArray(a: MessageHeader, b: MessageHeader): boolean {
  return a.byteLength === b.byteLength && a.dtype === b.dtype;
}
