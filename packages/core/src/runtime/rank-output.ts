/**
 * From the chunks that ranks write to whole, labelled lines.
 *
 * @packageDocumentation
 */
import { StringDecoder } from "node:string_decoder";
import type { OutputStream } from "./messages.ts";

/** One line that a rank wrote. */
export interface OutputLine {
  readonly rank: number;
  readonly stream: OutputStream;
  /** Without the line break. */
  readonly text: string;
}

/** Joins the chunks of all ranks into lines; lines of different ranks and streams never mix. */
export class LineAssembler {
  readonly #emit: (line: OutputLine) => void;
  readonly #open = new Map<string, { readonly decoder: StringDecoder; text: string }>();

  constructor(emit: (line: OutputLine) => void) {
    this.#emit = emit;
  }

  /** Takes what `rank` wrote and emits the lines that are now complete. */
  push(rank: number, stream: OutputStream, chunk: string | Uint8Array): void {
    const key = `${rank} ${stream}`;
    let open = this.#open.get(key);
    if (open === undefined) this.#open.set(key, (open = { decoder: new StringDecoder(), text: "" }));
    const lines = (open.text + textOf(open.decoder, chunk)).split("\n");
    open.text = lines.pop() ?? "";
    for (const text of lines) this.#emit({ rank, stream, text });
  }

  /** Emits what has no line break yet. */
  flush(): void {
    for (const [key, open] of this.#open) {
      const text = open.text + open.decoder.end();
      const [rank, stream] = key.split(" ") as [string, OutputStream];
      if (text !== "") this.#emit({ rank: Number(rank), stream, text });
    }
    this.#open.clear();
  }
}

function textOf(decoder: StringDecoder, chunk: string | Uint8Array): string {
  if (typeof chunk === "string") return decoder.end() + chunk;
  return decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
}

/**
 * Prints lines to this process's streams, after `[rank 2] ` where there are several ranks, and after `[node-b rank 2] `
 * where they are on several hosts.
 */
export function printLines(
  ranks: number,
  hostOf: (rank: number) => string | undefined = () => undefined,
): (line: OutputLine) => void {
  return ({ rank, stream, text }) => {
    const host = hostOf(rank);
    const label = `[${host === undefined ? "" : `${host} `}rank ${rank}] `;
    process[stream].write(`${ranks === 1 ? "" : label}${text}\n`);
  };
}
