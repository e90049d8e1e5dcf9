/**
 * A Python wheel as an archive of shared libraries: takes files out of it and compares each with the digest that the
 * wheel's own RECORD states. Nothing of Python is run or installed.
 *
 * @see PEP 427, "The Wheel Binary Package Format 1.0", "The .dist-info directory",
 * https://peps.python.org/pep-0427/
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { open, type Entry, type Options, type ZipFile } from "yauzl";

/** A wheel that was opened. */
export interface Wheel {
  readonly path: string;
  /** From its name: `tensorflow_cpu`, `2.21.0`. */
  readonly distribution: string;
  readonly version: string;
  /** Names of its files. */
  readonly files: readonly string[];
  /** Bytes of a file once unpacked. */
  bytesOf(file: string): number;
  /**
   * Writes a file to `target` and returns its hex SHA-256.
   *
   * @throws WheelError if the file is not what RECORD states.
   */
  extract(file: string, target: string, options?: ExtractOptions): Promise<string>;
  close(): void;
}

/** Options of `Wheel.extract`. */
export interface ExtractOptions {
  /** Called with the bytes of every piece that was written. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The archive is not whole, or no wheel. The message is the reason alone. */
export class WheelError extends Error {
  override readonly name: string = "WheelError";
}

const openZip = promisify<string, Options, ZipFile>(open);

/**
 * Opens a wheel and reads its RECORD.
 *
 * @throws WheelError if it is truncated, no zip archive, or has no RECORD.
 */
export async function openWheel(path: string): Promise<Wheel> {
  const [distribution = "", version = ""] = basename(path).split("-");
  try {
    const zip = await openZip(path, { lazyEntries: true, autoClose: false });
    try {
      const entries = await readEntries(zip);
      const record = [...entries.keys()].find((name) => name.endsWith(".dist-info/RECORD"));
      if (record === undefined) throw new WheelError("it has no RECORD");
      const digests = parseRecord(await text(await openEntry(zip, entries.get(record)!)));
      return wheelOf({ path, distribution, version }, zip, { entries, digests });
    } catch (error) {
      zip.close();
      throw error;
    }
  } catch (error) {
    throw asWheelError(error, path);
  }
}

function wheelOf(
  about: Pick<Wheel, "path" | "distribution" | "version">,
  zip: ZipFile,
  { entries, digests }: { entries: ReadonlyMap<string, Entry>; digests: ReadonlyMap<string, string> },
): Wheel {
  return {
    ...about,
    files: [...entries.keys()],
    bytesOf: (file) => entries.get(file)?.uncompressedSize ?? 0,
    close: () => {
      zip.close();
    },
    async extract(file, target, { onBytes, signal } = {}) {
      const entry = entries.get(file);
      const expected = digests.get(file);
      if (entry === undefined || expected === undefined)
        throw new WheelError(`${about.path}: it has no ${file}`);
      await mkdir(dirname(target), { recursive: true });
      const hash = createHash("sha256");
      const count = new Transform({
        transform(piece: Buffer, _encoding, done) {
          hash.update(piece);
          onBytes?.(piece.length);
          done(null, piece);
        },
      });
      try {
        await pipeline(await openEntry(zip, entry), count, createWriteStream(target), { signal });
      } catch (error) {
        signal?.throwIfAborted();
        throw asWheelError(error, about.path);
      }
      const digest = hash.digest();
      if (digest.toString("base64url") === expected) return digest.toString("hex");
      throw new WheelError(
        `${about.path}: SHA-256 of ${file} (${digest.toString("base64url")}) must be the one in RECORD (${expected})`,
      );
    },
  };
}

function readEntries(zip: ZipFile): Promise<ReadonlyMap<string, Entry>> {
  return new Promise((resolve, reject) => {
    const entries = new Map<string, Entry>();
    zip.on("entry", (entry: Entry) => {
      if (!entry.fileName.endsWith("/")) entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.once("end", () => {
      resolve(entries);
    });
    zip.once("error", reject);
    zip.readEntry();
  });
}

function openEntry(zip: ZipFile, entry: Entry): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error === null) resolve(stream);
      else reject(error);
    });
  });
}

/** Lines `path,sha256=DIGEST,bytes`; a path with a comma is quoted, and none that we take has one. */
function parseRecord(record: string): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  for (const line of record.split(/\r?\n/)) {
    const [, path, digest] = /^([^",]+),sha256=([\w-]+),\d+$/.exec(line) ?? [];
    if (path !== undefined && digest !== undefined) digests.set(path, digest);
  }
  return digests;
}

function asWheelError(error: unknown, path: string): unknown {
  if (error instanceof WheelError && error.message.startsWith(path)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new WheelError(`${path}: ${reason}`, { cause: error });
}
