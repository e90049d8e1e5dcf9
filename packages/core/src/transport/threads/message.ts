/**
 * Point-to-point messages as they lie in a mailbox: a header of 32 bytes, then the data, padded to 32 bytes.
 *
 * @packageDocumentation
 */
import { dtypeNames, type DTypeName } from "../dtype-name.ts";
import type { NumericArray } from "../transport.ts";
import { MESSAGE_HEADER_WORDS } from "./layout.ts";

/** Everything in a mailbox starts at multiples of this. */
export const MESSAGE_ALIGNMENT = MESSAGE_HEADER_WORDS * 4;

/** Which messages may match: same group, same tag. */
export interface MessageKey {
  /** Identifies the group between its members. */
  readonly context: number;
  readonly tag: number;
}

/** What a message's header says. */
export interface MessageHeader extends MessageKey {
  readonly byteLength: number;
  readonly dtype: DTypeName;
}

/** `float32[5]`. */
export function messageText({ dtype, byteLength }: Pick<MessageHeader, "dtype" | "byteLength">): string {
  return `${dtype}[${dtype === "bool" ? byteLength : byteLength / 4}]`;
}

/** Writes a header at word `at`. */
export function writeMessageHeader(words: Int32Array, at: number, header: MessageHeader): void {
  words[at] = header.context;
  words[at + 1] = header.tag;
  words[at + 2] = header.byteLength | 0;
  words[at + 3] = dtypeNames.indexOf(header.dtype);
}

/** Reads the header at word `at`. */
export function readMessageHeader(words: Int32Array, at: number): MessageHeader {
  return {
    context: words[at]!,
    tag: words[at + 1]!,
    byteLength: words[at + 2]! >>> 0,
    dtype: dtypeNames[words[at + 3]!]!,
  };
}

/** The next multiple of `MESSAGE_ALIGNMENT`. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / MESSAGE_ALIGNMENT) * MESSAGE_ALIGNMENT;
}

/** The bytes of an array, without a copy. */
export function bytesOf(array: NumericArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
