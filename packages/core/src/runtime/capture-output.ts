/**
 * Sends what a rank writes to its standard streams to the main thread at once.
 *
 * Node's own streams of a worker wait for the worker's event loop between two writes, and a rank that blocks in
 * collectives seldom returns to it.
 *
 * @packageDocumentation
 */
import type { OutputStream } from "./messages.ts";

/** Redirects `process.stdout` and `process.stderr`, and with them `console`, of this thread to `send`. */
export function captureOutput(send: (stream: OutputStream, chunk: string | Uint8Array) => void): void {
  for (const stream of ["stdout", "stderr"] as const) {
    process[stream].write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      send(stream, decoded(chunk, rest[0]));
      const callback = rest.at(-1);
      if (typeof callback === "function") process.nextTick(callback);
      return true;
    };
  }
}

/** Text in an encoding other than UTF-8 becomes bytes; bytes are copied, as a `Buffer` shares its pool's memory. */
function decoded(chunk: string | Uint8Array, encoding: unknown): string | Uint8Array {
  if (typeof chunk !== "string") return new Uint8Array(chunk);
  const isPlain = typeof encoding !== "string" || /^utf-?8$/i.test(encoding);
  return isPlain ? chunk : new Uint8Array(Buffer.from(chunk, encoding as BufferEncoding));
}
