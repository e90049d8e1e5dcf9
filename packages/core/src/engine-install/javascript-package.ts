/**
 * tfjs-node's JavaScript and C++ sources: from where the program has them installed, else from the npm registry.
 *
 * @packageDocumentation
 */
import { mkdir, readdir, readFile, rename } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { EngineInstallError } from "./install-error.ts";
import type { InstallContext } from "./install-context.ts";
import { lastLine, runTool } from "./run-tool.ts";

/** The version whose sources were compiled and tested against the wheel. */
export const TFJS_NODE_VERSION = "4.22.0";

/** Its JavaScript is that of tfjs-node-gpu too. */
const PACKAGE = "@tensorflow/tfjs-node";

/** Where the package lies. */
export interface JavaScriptPackage {
  readonly folder: string;
  readonly version: string;
}

/** The installed package, with or without a binary of its own. */
export function installedPackage(packagesFrom: readonly string[]): string | undefined {
  for (const name of [`${PACKAGE}-gpu`, PACKAGE]) {
    for (const from of packagesFrom) {
      try {
        return dirname(createRequire(from).resolve(`${name}/package.json`));
      } catch {
        // Not installed there.
      }
    }
  }
  return undefined;
}

/**
 * The package; where it is not installed, npm fetches it (and compares its digest) into the engine's folder.
 *
 * @throws EngineInstallError if npm cannot.
 */
export async function javaScriptPackage(context: InstallContext): Promise<JavaScriptPackage> {
  const installed = installedPackage(context.packagesFrom);
  const folder = installed ?? (await fetchPackage(context));
  const manifest: unknown = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  return { folder, version: String(Reflect.get(Object(manifest), "version")) };
}

async function fetchPackage({ env, scratch, staging, signal, progress }: InstallContext): Promise<string> {
  const what = `${PACKAGE}@${TFJS_NODE_VERSION}`;
  progress.step("JavaScript", `npm pack ${what}`);
  const folder = join(scratch, "npm");
  await mkdir(folder, { recursive: true });
  const packed = await runTool(["npm"], ["pack", "--silent", what], { env, cwd: folder, signal });
  const archive = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  if (packed.code !== 0 || archive === undefined) throw failed(`npm pack ${what}`, packed);
  const unpacked = await runTool(["tar"], ["-xzf", archive], { env, cwd: folder, signal });
  if (unpacked.code !== 0) throw failed(`tar -xzf ${archive}`, unpacked);
  const target = join(staging, "tfjs-node");
  await rename(join(folder, "package"), target);
  return target;
}

function failed(
  command: string,
  { code, output }: { readonly code: number | undefined; readonly output: string },
): EngineInstallError {
  const ended =
    code === undefined ? "not found, or ended by a signal" : `exit code ${code}: ${lastLine(output)}`;
  return new EngineInstallError(
    "JavaScript",
    `"${command}" (${ended}) must fetch tfjs-node's sources; use "npm install --ignore-scripts ${PACKAGE}@${TFJS_NODE_VERSION}" in the program's folder, or another network.`,
  );
}
