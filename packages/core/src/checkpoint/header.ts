/**
 * The header of a safetensors file.
 *
 * ```
 *   8 bytes   little-endian N
 *   N bytes   JSON: { "__metadata__"?: { text: text }, "<name>": { "dtype", "shape", "data_offsets": [from, to] } }, spaces
 *   the rest  the tensors, row-major, little-endian, without holes
 * ```
 *
 * @see https://huggingface.co/docs/safetensors/index#format
 * @packageDocumentation
 */
import { CheckpointError } from "./checkpoint-error.ts";
import { elementBytes, isSafetensorsDtype, type SafetensorsDtype } from "./dtype.ts";
import { findDuplicateKey } from "./duplicate-key.ts";

/** Bytes before the JSON. */
export const LENGTH_BYTES = 8;

/** Longest JSON that the format allows. */
export const MAX_HEADER_BYTES = 100_000_000;

/** So that data after the header starts at a multiple of it, as the reference implementation pads. */
const ALIGNMENT = 8;

/** Where a tensor lies. */
export interface HeaderEntry {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** First byte and the byte after the last, counted from the end of the header. */
  readonly start: number;
  readonly end: number;
}

/** A header that follows all rules. */
export interface Header {
  /** In the order of the data. */
  readonly tensors: ReadonlyMap<string, HeaderEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the JSON of a header and checks every rule of the format: text that starts with an opening brace, no key twice,
 * known element types, sizes that fit the shapes, and data without hole, overlap or rest.
 *
 * @param file - named in errors
 * @param dataBytes - bytes that follow the header
 * @throws CheckpointError that names the tensor.
 */
export function parseHeader(
  json: Uint8Array,
  { file, dataBytes }: { file: string; dataBytes: number },
): Header {
  const fields = parseJson(json, file);
  const entries: [string, HeaderEntry][] = [];
  let metadata: Header["metadata"] = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name === "__metadata__") metadata = parseMetadata(value, file);
    else entries.push([name, parseEntry(value, `${file}: tensor "${name}"`)]);
  }
  entries.sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  checkOffsets(entries, file, dataBytes);
  return { tensors: new Map(entries), metadata };
}

function parseJson(json: Uint8Array, file: string): Readonly<Record<string, unknown>> {
  // A byte order mark or a space in front is forbidden, behind there may be padding.
  if (json[0] !== 0x7b) throw damaged(file, "header", "must start with {");
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(json);
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(file, "header", `must be JSON in UTF-8 (${(cause as Error).message})`);
  }
  const twice = findDuplicateKey(text);
  if (twice !== undefined) throw damaged(file, `header key "${twice}"`, "must appear once");
  return value as Record<string, unknown>;
}

function parseMetadata(value: unknown, file: string): Header["metadata"] {
  if (!isObject(value) || Object.values(value).some((text) => typeof text !== "string")) {
    throw damaged(file, "__metadata__", "must map texts to texts");
  }
  return value as Record<string, string>;
}

function parseEntry(value: unknown, where: string): HeaderEntry {
  if (!isObject(value)) throw damagedAt(where, "must be described by an object");
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  if (Object.keys(rest).length > 0)
    throw damagedAt(where, `(${Object.keys(rest).join(", ")}) must have dtype, shape and data_offsets only`);
  if (!isSafetensorsDtype(dtype))
    throw damagedAt(where, `(dtype ${JSON.stringify(dtype)}) must have a known dtype`);
  if (!isSizes(shape))
    throw damagedAt(where, `(shape ${JSON.stringify(shape)}) must have a shape of integers from 0`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw damagedAt(where, `(data_offsets ${JSON.stringify(offsets)}) must have two ascending data_offsets`);
  }
  const [start, end] = offsets as [number, number];
  const bytes = shape.reduce((product, size) => product * size, 1) * elementBytes(dtype);
  if (!Number.isSafeInteger(bytes) || bytes !== end - start) {
    throw damagedAt(where, `(${end - start} bytes) must fill ${dtype}[${shape.join(", ")}] (${bytes} bytes)`);
  }
  return { dtype, shape, start, end };
}

function checkOffsets(
  entries: readonly (readonly [string, HeaderEntry])[],
  file: string,
  dataBytes: number,
): void {
  let expected = 0;
  for (const [name, { start, end }] of entries) {
    if (start !== expected) {
      throw damagedAt(
        `${file}: tensor "${name}"`,
        `(from byte ${start}) must start where the one before it ends (byte ${expected})`,
      );
    }
    if (end > dataBytes) {
      throw damagedAt(
        `${file}: tensor "${name}"`,
        `(bytes ${start} to ${end}) must lie inside the data (${dataBytes} bytes)`,
      );
    }
    expected = end;
  }
  if (expected !== dataBytes)
    throw damaged(file, `data (${dataBytes} bytes)`, `must end with its last tensor (byte ${expected})`);
}

/**
 * The bytes of a header, length included, for tensors that follow each other in the order of the map.
 *
 * @returns also the entries, with their offsets
 */
export function encodeHeader(
  tensors: ReadonlyMap<string, Pick<HeaderEntry, "dtype" | "shape">>,
  metadata: Header["metadata"] = {},
): { readonly bytes: Uint8Array; readonly entries: ReadonlyMap<string, HeaderEntry> } {
  const entries = new Map<string, HeaderEntry>();
  const fields: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  let start = 0;
  for (const [name, { dtype, shape }] of tensors) {
    const end = start + shape.reduce((product, size) => product * size, 1) * elementBytes(dtype);
    entries.set(name, { dtype, shape, start, end });
    fields.push([name, { dtype, shape, data_offsets: [start, end] }]);
    start = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(fields)), "utf8");
  const padded = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(LENGTH_BYTES + padded, 0x20);
  bytes.writeBigUInt64LE(BigInt(padded));
  bytes.set(json, LENGTH_BYTES);
  return { bytes, entries };
}

/** The error of a file that breaks a rule of its format. */
export function damaged(file: string, what: string, rule: string): CheckpointError {
  return damagedAt(`${file}: ${what}`, rule);
}

function damagedAt(where: string, rule: string): CheckpointError {
  return new CheckpointError(`${where} ${rule}; the file is damaged, use another copy.`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
