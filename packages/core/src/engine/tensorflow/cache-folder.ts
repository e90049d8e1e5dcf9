/**
 * Where `meshwright engine install` keeps the native library, and the record that it leaves there.
 *
 * @packageDocumentation
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The record of an installed native library; `engine.json` in its folder. */
export interface InstalledLibrary {
  /** What the library was taken from, in words. */
  readonly source: string;
  /** The version of libtensorflow. */
  readonly tensorflowVersion: string;
  /** The version of tfjs-node whose addon this is. */
  readonly tfjsNodeVersion: string;
  /** File name of the addon, in the same folder. */
  readonly addon: string;
  /** Whether the library computes on CUDA devices. */
  readonly gpu: boolean;
  /** Whether several threads may run operations at once without further care. Absent means that they may not. */
  readonly threadSafe?: boolean;
}

/** Name of the record. */
export const RECORD_FILE = "engine.json";

/**
 * The folder of the native library: `$MESHWRIGHT_CACHE/tensorflow`, else `$XDG_CACHE_HOME/meshwright/tensorflow`, else
 * `~/.cache/meshwright/tensorflow`.
 */
export function libraryFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { MESHWRIGHT_CACHE: own, XDG_CACHE_HOME: shared } = environment;
  return join(filled(own) ?? join(filled(shared) ?? join(homedir(), ".cache"), "meshwright"), "tensorflow");
}

/** The record in `folder`; undefined where nothing is installed, or where the record is not one. */
export function readInstalledLibrary(folder: string): InstalledLibrary | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(folder, RECORD_FILE), "utf8"));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is InstalledLibrary {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "addon") === "string";
}

function filled(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
