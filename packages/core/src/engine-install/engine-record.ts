/**
 * `engine.json`: what an installed native engine is.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { RECORD_FILE, type InstalledLibrary } from "../engine/tensorflow/cache-folder.ts";
import { ContractError } from "../errors.ts";

/** `package`: tfjs-node's own prebuilt binary and libtensorflow. `wheel`: built here against a Python wheel's. */
export type EngineSource = "package" | "wheel";

/** What lies in the engine's folder. Paths are relative to it. */
export interface EngineRecord extends InstalledLibrary {
  readonly source: EngineSource;
  /**
   * Whether the addon may be used by several threads at once. tfjs-node's own binaries (3.6.1 to 4.22.0) change a set of
   * attribute names without a lock; what is built here has one.
   */
  readonly threadSafe: boolean;
  /** Hex digest of every library and addon. */
  readonly sha256: Readonly<Record<string, string>>;
  /** Digest of the sources of the fused operations; left out where they were not built. */
  readonly fusedSources?: string;
  /** Node-API version that the addon asks for. */
  readonly nodeApi: number;
  readonly platform: string;
  readonly arch: string;
  /** ISO 8601. */
  readonly installedAt: string;
}

/**
 * What is installed in `folder`, or `undefined` if nothing is.
 *
 * @throws ContractError if its record cannot be read.
 */
export function readEngineRecord(folder: string): EngineRecord | undefined {
  const path = join(folder, RECORD_FILE);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isRecord(value)) return value;
  throw new ContractError(
    `engine: record (${path}) must be the JSON object that the installation wrote; use "meshwright engine install --force".`,
  );
}

function isRecord(value: unknown): value is EngineRecord {
  if (typeof value !== "object" || value === null) return false;
  const record: Record<string, unknown> = { ...value };
  const strings = ["tensorflowVersion", "tfjsNodeVersion", "addon", "platform", "arch", "installedAt"];
  return (
    (record.source === "package" || record.source === "wheel") &&
    strings.every((name) => typeof record[name] === "string") &&
    typeof record.gpu === "boolean" &&
    typeof record.threadSafe === "boolean" &&
    typeof record.nodeApi === "number" &&
    typeof record.sha256 === "object" &&
    record.sha256 !== null
  );
}

/** Hex SHA-256 of a file. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: READ_BYTES }), hash);
  return hash.digest("hex");
}

/** Few turns of the event loop for a file of 800 MB. */
const READ_BYTES = 4 * 2 ** 20;

/** Names of files that are missing or not what was installed; empty if all is whole. */
export async function damagedFiles(folder: string, record: EngineRecord): Promise<readonly string[]> {
  const damaged: string[] = [];
  for (const [name, digest] of Object.entries(record.sha256)) {
    const actual = await sha256OfFile(join(folder, name)).catch(() => undefined);
    if (actual !== digest) damaged.push(name);
  }
  return damaged;
}
