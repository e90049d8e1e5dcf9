/**
 * Messages over a TCP connection: structured-cloneable values, each after its length.
 *
 * @packageDocumentation
 */
import type { Socket } from "node:net";
import { deserialize, serialize } from "node:v8";

/** Bytes of the length before each message. */
const HEADER_BYTES = 4;

/** One end of a connection. */
export class Link<Sent, Received> {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #numBytes = 0;
  #wanted = HEADER_BYTES;
  #inHeader = true;

  constructor(
    socket: Socket,
    listener: {
      readonly onMessage: (message: Received) => void;
      /** The other end is gone. Called once. */
      readonly onClose: () => void;
    },
  ) {
    this.#socket = socket;
    socket.setNoDelay(true);
    // A host that vanishes says nothing: the system asks whether it is still there.
    socket.setKeepAlive(true, 2_000);
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#numBytes += chunk.length;
      this.#deliver(listener.onMessage);
    });
    // A `close` follows.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      listener.onClose();
    });
  }

  send(message: Sent): void {
    const body = serialize(message);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(body.length);
    this.#socket.write(header);
    this.#socket.write(body);
  }

  /** Lets the process end although the connection is open. */
  unref(): void {
    this.#socket.unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #deliver(onMessage: (message: Received) => void): void {
    while (this.#numBytes >= this.#wanted) {
      const all = Buffer.concat(this.#chunks);
      const part = all.subarray(0, this.#wanted);
      const rest = all.subarray(this.#wanted);
      this.#chunks = [rest];
      this.#numBytes = rest.length;
      if (this.#inHeader) {
        this.#wanted = part.readUInt32LE();
        this.#inHeader = false;
      } else {
        this.#wanted = HEADER_BYTES;
        this.#inHeader = true;
        // What the other end calls `Sent` is what this end receives.
        onMessage(deserialize(part) as Received);
      }
    }
  }
}
