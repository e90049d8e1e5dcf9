/**
 * The sending end of one mailbox: a ring of bytes that one rank fills and another one empties.
 *
 * @packageDocumentation
 */
import type { ArenaMemory } from "./arena-memory.ts";
import { MESSAGE_ALIGNMENT, padded, writeMessageHeader, type MessageHeader } from "./message.ts";
import type { Waiter } from "./waiter.ts";

/** Sends messages from one rank to another one. */
export class OutgoingMail {
  readonly #memory: ArenaMemory;
  readonly #waiter: Waiter;
  readonly #to: number;
  readonly #ring: number;
  readonly #tailCounter: number;
  readonly #headCounter: number;
  readonly #size: number;
  /** Bytes put in, and bytes known to be taken out; both in 32 bits. */
  #tail = 0;
  #knownHead = 0;

  constructor(memory: ArenaMemory, from: number, to: number, waiter: Waiter) {
    this.#memory = memory;
    this.#waiter = waiter;
    this.#to = to;
    this.#ring = memory.mailbox(from, to) * 4;
    this.#tailCounter = memory.mailTail(from, to);
    this.#headCounter = memory.mailHead(from, to);
    this.#size = memory.mailboxBytes;
  }

  /** Puts a message into the mailbox, in pieces if it is larger; waits while the mailbox is full. */
  send(header: MessageHeader, data: Uint8Array): void {
    this.#room(MESSAGE_ALIGNMENT);
    writeMessageHeader(this.#memory.words, (this.#ring + this.#position()) / 4, header);
    this.#advance(MESSAGE_ALIGNMENT, data.length === 0);
    for (let sent = 0; sent < data.length;) {
      // A quarter at a time: the receiver empties one part while the next is filled.
      const quarter = this.#size / 4;
      const wanted = Math.min(padded(data.length - sent), quarter, this.#size - this.#position());
      const room = this.#room(wanted);
      const count = Math.min(room, wanted, data.length - sent);
      this.#memory.bytes.set(data.subarray(sent, sent + count), this.#ring + this.#position());
      sent += count;
      this.#advance(padded(count), true);
    }
  }

  #position(): number {
    return this.#tail & (this.#size - 1);
  }

  /** Waits until at least `bytes` are free; returns how many are. */
  #room(bytes: number): number {
    if (this.#free() < bytes) {
      const needed = (this.#tail + bytes - this.#size) | 0;
      this.#waiter.waitAtLeast(this.#headCounter, needed, this.#to);
      // After the receiver's store of the counter, which follows its last read of what is now free.
      this.#knownHead = Atomics.load(this.#memory.words, this.#headCounter);
    }
    return this.#free();
  }

  #free(): number {
    return this.#size - ((this.#tail - this.#knownHead) | 0);
  }

  #advance(bytes: number, publish: boolean): void {
    this.#tail = (this.#tail + bytes) | 0;
    if (!publish) return;
    // After the bytes are written: the receiver reads up to this counter.
    Atomics.store(this.#memory.words, this.#tailCounter, this.#tail);
    this.#waiter.ring(this.#to);
  }
}
