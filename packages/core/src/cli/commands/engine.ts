/**
 * `meshwright engine`: installs, describes and removes the native engine.
 *
 * @packageDocumentation
 */
import { Command, Option } from "commander";
import type { EngineSource } from "../../engine-install/engine-record.ts";
import { installEngine, type InstallOutcome } from "../../engine-install/install.ts";
import { planInstall, type InstallPlan } from "../../engine-install/plan.ts";
import { removeEngine } from "../../engine-install/remove.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes } from "../format-bytes.ts";
import { interruptible } from "../interruptible.ts";
import { engineProgress } from "./engine-progress.ts";
import { statusCommand } from "./engine-status.ts";

interface InstallFlags {
  readonly gpu: boolean;
  readonly source?: EngineSource;
  readonly wheel?: string;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** The `engine` command. */
export function engineCommand(): Command {
  return new Command("engine")
    .description("install, describe and remove the native engine (TensorFlow's C library)")
    .addCommand(installCommand())
    .addCommand(statusCommand())
    .addCommand(removeCommand());
}

function installCommand(): Command {
  return new Command("install")
    .description("fetch TensorFlow's C library into the cache folder and build tfjs-node's addon for it")
    .option("--gpu", "the build for NVIDIA GPUs", false)
    .addOption(
      new Option(
        "--source <name>",
        "only tfjs-node's own binaries, or only TensorFlow's Python wheel",
      ).choices(["package", "wheel"]),
    )
    .option("--wheel <file>", "a tensorflow-cpu or tensorflow wheel at hand, for machines without a network")
    .option("--force", "install anew what is there already", false)
    .option("--dry-run", "print the steps and their sizes, and do nothing", false)
    .action(install);
}

async function install({ dryRun, ...request }: InstallFlags): Promise<void> {
  if (request.source === "package" && request.wheel !== undefined) {
    throw new UsageError(
      `meshwright engine install: --wheel (${request.wheel}) must not come with --source package; use one of them.`,
    );
  }
  if (dryRun) {
    process.stdout.write(planText(await planInstall(request)));
    return;
  }
  const progress = engineProgress(process.stderr);
  try {
    const outcome = await interruptible((signal) => installEngine({ ...request, progress, signal }));
    progress.stop();
    process.stdout.write(`${outcomeText(outcome)}\n`);
  } finally {
    progress.stop();
  }
}

function outcomeText(outcome: InstallOutcome): string {
  if (outcome.kind === "bundled") {
    return `TensorFlow ${outcome.tensorflowVersion} is there already: ${outcome.addon}, tfjs-node's own binary, loads (--force installs another)`;
  }
  const { kind, folder, record } = outcome;
  const verb = kind === "installed" ? "installed in" : "is there already, whole:";
  return `TensorFlow ${record.tensorflowVersion} for tfjs-node ${record.tfjsNodeVersion} ${verb} ${folder}`;
}

function planText({ folder, installed, isPresent, steps }: InstallPlan): string {
  if (isPresent) {
    return `TensorFlow ${installed ?? ""} is there already: ${folder}. Nothing would be done, unless a file is damaged.\n`;
  }
  const lines = steps.map(({ source, what, bytes, missing }, i) => {
    const size = bytes === undefined ? "" : ` (${formatBytes(bytes)})`;
    const problem = missing === undefined ? "" : `: would fail, ${missing}`;
    return `${i + 1}. ${source}: ${what}${size}${problem}`;
  });
  const sources = new Set(steps.map(({ source }) => source));
  return [
    ...lines,
    `${steps.length + 1}. load the addon, and put the folder in place: ${folder}${installed === undefined ? "" : ` (now TensorFlow ${installed})`}`,
    ...(sources.size > 1 ? ["The steps of wheel are taken only if one of package fails."] : []),
    "",
  ].join("\n");
}

function removeCommand(): Command {
  return new Command("remove")
    .description("remove the native engine from the cache folder")
    .action(async () => {
      const progress = engineProgress(process.stderr);
      const onWait = (): void => {
        progress.note("waiting for an installation");
      };
      const { folder, existed } = await interruptible((signal) => removeEngine({ signal, onWait }));
      process.stdout.write(existed ? `removed ${folder}\n` : `${folder}: no engine is installed\n`);
    });
}
