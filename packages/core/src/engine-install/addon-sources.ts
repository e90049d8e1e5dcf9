/**
 * tfjs-node's C++ sources, with its data race repaired.
 *
 * `tfjs_backend.cc` of tfjs-node 3.6.1 to 4.22.0 keeps attribute names in a static `std::set` that every worker thread
 * inserts into without a lock; two workers in lockstep end the process in `AssignOpAttr`. Here a mutex guards it.
 *
 * @packageDocumentation
 */
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineInstallError } from "./install-error.ts";

/** The translation units; headers lie beside them. */
export const ADDON_UNITS = ["tfjs_backend.cc", "tfjs_binding.cc"] as const;

const UNSAFE_FILE = "tfjs_backend.cc";

const REPAIRS: readonly (readonly [from: string | RegExp, to: string])[] = [
  ["#include <set>", "#include <mutex>\n#include <set>"],
  [
    "static std::set<std::string> ATTR_NAME_SET;",
    "static std::set<std::string> ATTR_NAME_SET;\nstatic std::mutex ATTR_NAME_MUTEX;",
  ],
  [
    /const char \*attr_name =\s+ATTR_NAME_SET\.insert\(attr_name_string\.c_str\(\)\)\.first->c_str\(\);/,
    `std::unique_lock<std::mutex> attr_name_lock(ATTR_NAME_MUTEX);
  const char *attr_name =
      ATTR_NAME_SET.insert(attr_name_string.c_str()).first->c_str();
  attr_name_lock.unlock();`,
  ],
];

/**
 * Copies the sources of the package in `packageFolder` to `target`, repaired.
 *
 * @throws EngineInstallError if they are not the ones that the repair is for.
 */
export async function writeAddonSources(packageFolder: string, target: string): Promise<void> {
  try {
    await cp(join(packageFolder, "binding"), target, { recursive: true });
    const path = join(target, UNSAFE_FILE);
    await writeFile(path, repairAttributeNames(await readFile(path, "utf8")));
  } catch (cause) {
    if (cause instanceof EngineInstallError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineInstallError(
      "build",
      `sources of tfjs-node (${packageFolder}: ${reason}) must be whole; use a fresh install of @tensorflow/tfjs-node.`,
      { cause },
    );
  }
}

/** The text of `tfjs_backend.cc` with the lock. */
export function repairAttributeNames(source: string): string {
  return REPAIRS.reduce((text, [from, to]) => {
    const repaired = text.replace(from, to);
    if (repaired !== text) return repaired;
    throw new EngineInstallError(
      "build",
      `sources of tfjs-node (no "${typeof from === "string" ? from : from.source}" in ${UNSAFE_FILE}) must be those of 3.6.1 to 4.22.0; use @tensorflow/tfjs-node 4.22.0.`,
    );
  }, source);
}
