/**
 * Under which conditions figures were measured; goes with every result.
 *
 * @packageDocumentation
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus, loadavg, release, totalmem, type as osType } from "node:os";

/** Machine, versions and time. */
export interface Conditions {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly os: string;
    /** Processes that wanted a core in the minute before the benchmark; above 0.5 others were at work. */
    readonly loadBefore: number;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly date: string;
}

/** Those of now. */
export function currentConditions(): Conditions {
  return {
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      os: `${osType()} ${release()}`,
      loadBefore: loadavg()[0]!,
    },
    versions: {
      node: process.versions.node,
      v8: process.versions.v8,
      tfjs: installedVersion("@tensorflow/tfjs"),
      "tfjs-backend-wasm": installedVersion("@tensorflow/tfjs-backend-wasm"),
    },
    date: new Date().toISOString(),
  };
}

/** One line for the head of a report. */
export function conditionsLine({ machine, versions, date }: Conditions): string {
  const { cpu, cores, memoryGiB, os, loadBefore } = machine;
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${os}; ${software.join(", ")}; load before ${loadBefore.toFixed(1)}; ${date.slice(0, 10)}`;
}

function installedVersion(name: string): string {
  const require = createRequire(import.meta.url);
  const { version } = JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")) as {
    version: string;
  };
  return version;
}
