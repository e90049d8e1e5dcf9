/**
 * The native engine: tfjs-node-gpu or tfjs-node, where one of them is installed and its library loads.
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { backend, setBackend } from "@tensorflow/tfjs";
import type { NumericArray } from "../transport/transport.ts";
import { newArray } from "./cpu-internals.ts";
import type { Engine } from "./engine.ts";
import { EngineUnavailableError } from "./engine-unavailable.ts";
import { sizeOf } from "./shape.ts";

/** In the order of preference. */
const PACKAGES = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

/**
 * Starts the native backend. Costs two failed look-ups where neither package is installed.
 *
 * @throws EngineUnavailableError if no package is installed, or none of those installed loads.
 */
export async function startTensorflowEngine(): Promise<Omit<Engine, "skipped">> {
  const installed = PACKAGES.flatMap((name) => resolvePackage(name));
  if (installed.length === 0) {
    throw new EngineUnavailableError(`neither ${PACKAGES.join(" nor ")} is installed`);
  }
  const failures: string[] = [];
  for (const { name, file } of installed) {
    try {
      await import(pathToFileURL(file).href);
      if (await setBackend("tensorflow")) return tensorflowEngine();
      failures.push(`${name}: tfjs could not start its backend`);
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new EngineUnavailableError(failures.join("; "));
}

/** Looks beside this package first, then in the program's working directory. */
function resolvePackage(name: string): { readonly name: string; readonly file: string }[] {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      return [{ name, file: createRequire(from).resolve(name) }];
    } catch {
      // Not installed there.
    }
  }
  return [];
}

function tensorflowEngine(): Omit<Engine, "skipped"> {
  const native = backend();
  return {
    name: "tensorflow",
    backendName: "tensorflow",
    bridgedKernels: () => [],
    // The native runtime owns its memory, so both directions copy.
    view: (info) => native.readSync(info.dataId) as NumericArray,
    create: (shape, dtype, fill) => {
      const values = newArray(sizeOf(shape), dtype);
      fill?.(values);
      const ownShape = [...shape];
      return { dataId: native.write(values, ownShape, dtype), shape: ownShape, dtype };
    },
  };
}
