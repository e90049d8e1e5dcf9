/**
 * Fetches a file over HTTP. What a broken connection left is kept, and the next call goes on there.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

/** A file could not be fetched. The message is the reason alone. */
export class DownloadError extends Error {
  override readonly name: string = "DownloadError";
}

/** Options of {@link download}. */
export interface DownloadOptions {
  readonly onBytes?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** How long a server may be silent. */
const SILENCE_MS = 15_000;

/**
 * Writes the file at `url` to `path`, through `path.part`. Its length, and its MD5 where the server states one
 * (`x-goog-hash`, as Google's storage does), must be what the server says.
 *
 * @throws DownloadError if the server cannot be reached, refuses, or sends something else.
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  const part = `${path}.part`;
  const tagFile = `${part}.etag`;
  const tag = await readFile(tagFile, "utf8").catch(() => "");
  const start = tag === "" ? 0 : ((await stat(part).catch(() => undefined))?.size ?? 0);
  // A server whose file changed since answers with the whole new one.
  const headers = start === 0 ? {} : { range: `bytes=${start}-`, "if-range": tag };
  const response = await request(url, headers, options.signal);
  const isRest = response.status === 206;
  const etag = response.headers.get("etag");
  if (etag !== null && !etag.startsWith("W/")) await writeFile(tagFile, etag);
  const total = (isRest ? start : 0) + Number(response.headers.get("content-length") ?? Number.NaN);
  await receive(response, part, { isRest, start, total }, options);
  await verify(url, part, total, response.headers.get("x-goog-hash"));
  await rename(part, path);
  await rm(tagFile, { force: true });
}

async function request(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const silence = new AbortController();
  const timer = setTimeout(() => {
    silence.abort(new DownloadError("no answer"));
  }, SILENCE_MS);
  try {
    const signals = signal === undefined ? [silence.signal] : [silence.signal, signal];
    const response = await fetch(url, { headers, signal: AbortSignal.any(signals) });
    if (response.ok) return response;
    throw new DownloadError(`HTTP status ${response.status}`);
  } catch (error) {
    signal?.throwIfAborted();
    throw new DownloadError(`${url}: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

interface Part {
  readonly isRest: boolean;
  readonly start: number;
  readonly total: number;
}

async function receive(
  response: Response,
  part: string,
  { isRest, start, total }: Part,
  { onBytes, signal }: DownloadOptions,
): Promise<void> {
  if (response.body === null) throw new DownloadError(`${response.url}: empty answer`);
  let done = isRest ? start : 0;
  const counted = async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      done += piece.length;
      if (Number.isFinite(total)) onBytes?.(done, total);
      yield piece;
    }
  };
  try {
    await pipeline(response.body, counted, createWriteStream(part, { flags: isRest ? "a" : "w" }), {
      signal,
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new DownloadError(`${response.url}: ${reasonOf(error)} after ${done} bytes`, { cause: error });
  }
}

async function verify(url: string, part: string, total: number, stated: string | null): Promise<void> {
  const { size } = await stat(part);
  if (Number.isFinite(total) && size !== total) {
    throw new DownloadError(`${url}: length (${size}) must be the one that the server states (${total})`);
  }
  const [, expected] = /md5=([\w+/=]+)/.exec(stated ?? "") ?? [];
  if (expected === undefined) return;
  const hash = createHash("md5");
  await pipeline(createReadStream(part), hash);
  const actual = hash.digest("base64");
  if (actual === expected) return;
  await rm(part);
  throw new DownloadError(`${url}: MD5 (${actual}) must be the one that the server states (${expected})`);
}

/** `fetch` hides what happened in the cause of its "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
