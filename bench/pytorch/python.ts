/**
 * A Python that has PyTorch: the one that is named, or a scratch environment that is made once and reused.
 *
 * @packageDocumentation
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ContractError } from "@meshwright/core";

const run = promisify(execFile);

/** The environment's folder: `$MESHWRIGHT_CACHE/bench-pytorch`, else below `~/.cache/meshwright`. */
export function environmentFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.MESHWRIGHT_CACHE ?? join(homedir(), ".cache", "meshwright"), "bench-pytorch");
}

/**
 * The Python to run. Without `named`, makes the environment with `python3 -m venv` and installs PyTorch into it with pip.
 *
 * @throws ContractError if the named Python has no PyTorch, or the environment cannot be made.
 */
export async function pythonWithTorch(named: string | undefined): Promise<string> {
  if (named !== undefined) {
    if (await hasTorch(named)) return named;
    throw new ContractError(
      `--python (${named}) must be a Python that has PyTorch; use "${named} -m pip install torch numpy", or leave --python out.`,
    );
  }
  const folder = environmentFolder();
  const python = join(folder, "bin", "python");
  if (existsSync(python) && (await hasTorch(python))) return python;
  console.log(`installing PyTorch into ${folder} (once)`);
  try {
    await run("python3", ["-m", "venv", folder]);
    await run(python, ["-m", "pip", "install", "--quiet", "torch", "numpy"], { maxBuffer: 2 ** 26 });
  } catch (cause) {
    throw new ContractError(
      `bench pytorch: PyTorch (${folder}) must install with python3 and pip; use --python with a Python that has it.`,
      { cause },
    );
  }
  return python;
}

async function hasTorch(python: string): Promise<boolean> {
  try {
    await run(python, ["-c", "import torch.distributed"]);
    return true;
  } catch {
    return false;
  }
}
