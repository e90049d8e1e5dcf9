/**
 * Which sources the fused operations of an installed engine were built from.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeSourcesFolder } from "../engine/tensorflow-kernels/native-sources.ts";

/** Hex SHA-256 of the sources: what was built from others belongs to another version of this package. */
export function fusedSourcesDigest(): string {
  const folder = nativeSourcesFolder();
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort()) {
    hash.update(`${name}\n`).update(readFileSync(join(folder, name)));
  }
  return hash.digest("hex");
}
