/**
 * `meshwright engine status`: the native engine in words.
 *
 * @packageDocumentation
 */
import { Command } from "commander";
import type { AddonStatus, EngineStatus } from "../../engine-install/status.ts";

/** The `status` command. */
export function statusCommand(): Command {
  return new Command("status")
    .description("print what is installed, whether it is whole and loads, and which engine auto takes")
    .option("--json", "print it as JSON", false)
    .action(async ({ json }: { readonly json: boolean }) => {
      // Starts an engine, which the other commands must not need.
      const { engineStatus } = await import("../../engine-install/status.ts");
      const status = await engineStatus();
      process.stdout.write(json ? `${JSON.stringify(status, undefined, 2)}\n` : statusText(status));
    });
}

/** One line per fact. */
export function statusText(status: EngineStatus): string {
  const { cpu, gpus, auto } = status;
  const visible = status.visibleDevices;
  const rows: readonly (readonly [string, string])[] = [
    ["folder", status.folder],
    ["engine", installedText(status)],
    ...status.addons.map((addon) => ["addon", addonText(addon)] as const),
    ["CPU", [`${cpu.numCores} cores`, cpu.model, cpu.features.join(" ")].filter(Boolean).join(", ")],
    ["threads", `${status.threadsPerRank} per rank (--threads-per-rank, TF_NUM_INTRAOP_THREADS)`],
    ["GPU", gpus.length === 0 ? "none" : gpus.join("; ")],
    ...(visible === undefined ? [] : [["", `CUDA_VISIBLE_DEVICES=${visible}`] as const]),
    ["auto", `takes ${auto.engine}`],
    // Of a module that is missing, Node.js lists who asked for it on further lines.
    ...auto.skipped.map(({ name, reason }) => ["", `not ${name}: ${reason.split("\n")[0]!}`] as const),
  ];
  return rows.map(([name, text]) => `${name.padEnd(9)}${text}\n`).join("");
}

function installedText({ record, damaged }: EngineStatus): string {
  if (record === undefined) return 'none; use "meshwright engine install"';
  const { tensorflowVersion, tfjsNodeVersion, source, gpu, nodeApi, platform, arch, installedAt } = record;
  const state =
    damaged.length === 0
      ? "whole"
      : `damaged (${damaged.join(", ")}); use "meshwright engine install" to repair it`;
  return `TensorFlow ${tensorflowVersion}${gpu ? " for GPUs" : ""} from ${source}, tfjs-node ${tfjsNodeVersion}, Node-API ${nodeApi}, ${platform} ${arch}, installed ${installedAt.slice(0, 10)}, ${state}`;
}

function addonText({ path, check }: AddonStatus): string {
  if (!check.loads) return `${path} does not load: ${check.reason}`;
  return `${path} loads: TensorFlow ${check.tensorflowVersion}, ${check.usesGpu ? "computes on a GPU" : "computes on the CPU"}`;
}
