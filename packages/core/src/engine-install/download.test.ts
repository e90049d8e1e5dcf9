import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { download, DownloadError } from "./download.ts";

const body = randomBytes(100_000);
const etag = '"first"';

/** What the server does and what it was asked for. */
let state: {
  etag: string;
  breakAt: number | undefined;
  md5: string | undefined;
  ranges: (string | undefined)[];
};
let server: Server;
let url: string;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "meshwright-download-"));
  state = { etag, breakAt: undefined, md5: undefined, ranges: [] };
  server = createServer((request, response) => {
    const range = request.headers["if-range"] === state.etag ? request.headers.range : undefined;
    state.ranges.push(request.headers.range);
    const start = Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
    const end = state.breakAt ?? body.length;
    response.writeHead(range === undefined ? 200 : 206, {
      etag: state.etag,
      "content-length": body.length - start,
      ...(state.md5 === undefined ? {} : { "x-goog-hash": `crc32c=AAAAAA==, md5=${state.md5}` }),
    });
    response.write(body.subarray(start, end));
    if (end === body.length) response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/file.bin`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

describe("download", () => {
  test("writes the file, says how far it is, and leaves nothing else", async () => {
    const path = join(folder, "file.bin");
    state.md5 = createHash("md5").update(body).digest("base64");
    const last = [0, 0];
    await download(url, path, { onBytes: (...now) => last.splice(0, 2, ...now) });
    expect(readFileSync(path)).toEqual(body);
    expect(last).toEqual([body.length, body.length]);
    expect(readdirSync(folder)).toEqual(["file.bin"]);
  });

  test("goes on where a broken connection left off", async () => {
    const path = join(folder, "file.bin");
    state.breakAt = 40_000;
    const broken = expect(download(url, path)).rejects.toThrow(DownloadError);
    await vi.waitFor(() => {
      expect(statSync(`${path}.part`).size).toBe(40_000);
    });
    server.closeAllConnections();
    await broken;
    expect(existsSync(path)).toBe(false);
    state.breakAt = undefined;
    await download(url, path);
    expect(readFileSync(path)).toEqual(body);
    expect(state.ranges).toEqual([undefined, "bytes=40000-"]);
  });

  test("starts again where the file on the server changed meanwhile", async () => {
    const path = join(folder, "file.bin");
    writeFileSync(`${path}.part`, "of another file");
    writeFileSync(`${path}.part.etag`, '"older"');
    await download(url, path);
    expect(readFileSync(path)).toEqual(body);
  });

  test("refuses a file that is not what the server states", async () => {
    const path = join(folder, "file.bin");
    state.md5 = "AAAAAAAAAAAAAAAAAAAAAA==";
    await expect(download(url, path)).rejects.toThrow(
      /MD5 \(.*\) must be the one that the server states \(A+==\)/,
    );
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  test("stops when it is told to", async () => {
    const stopped = new Error("stopped");
    const signal = AbortSignal.abort(stopped);
    await expect(download(url, join(folder, "file.bin"), { signal })).rejects.toBe(stopped);
  });
});
