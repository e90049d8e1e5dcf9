/**
 * The two files that the measurement leaves: the record, and the table made from it.
 *
 * @packageDocumentation
 */
import { readFile } from "node:fs/promises";
import { getKernelsForBackend } from "@tensorflow/tfjs";
import { format, resolveConfig } from "prettier";
import { builtinRules } from "../../src/rules/registry.ts";
import { tfjsKernelNames } from "./kernel-names.ts";
import type { Measured } from "./measured.ts";
import { coverageDocument } from "./table.ts";

/** What was measured. */
export const recordFile = new URL("./measured.json", import.meta.url);
/** The table. */
export const tableFile = new URL("../../../../docs/op-coverage.md", import.meta.url);

/** The record as it was last written. */
export async function readRecord(): Promise<Measured> {
  return JSON.parse(await readFile(recordFile, "utf8")) as Measured;
}

/** The record's text. */
export async function recordText(measured: Measured): Promise<string> {
  return formatted(JSON.stringify(measured), recordFile);
}

/** The table's text. */
export async function tableText(measured: Measured): Promise<string> {
  const own = Object.values(measured.engines).flatMap(({ kernels }) => kernels);
  return formatted(coverageDocument(allKernelNames(own), measured), tableFile);
}

/** The kernels of tfjs, those of the engines, and those that have a rule; sorted. */
export function allKernelNames(ofEngines: readonly string[]): string[] {
  const ruled = builtinRules().flatMap(({ kernels }) => kernels);
  return [...new Set([...tfjsKernelNames(), ...ofEngines, ...ruled])].sort();
}

/** The kernels that a backend of this process has. */
export function registeredKernels(backendName: string): string[] {
  return getKernelsForBackend(backendName).map(({ kernelName }) => kernelName);
}

async function formatted(text: string, file: URL): Promise<string> {
  return format(text, { ...(await resolveConfig(file)), filepath: file.pathname });
}
