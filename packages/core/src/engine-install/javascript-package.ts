/**
 * tfjs-node's JavaScript and C++ sources: from where the program has them installed, else from the npm registry.
 *
 * @packageDocumentation
 */
import { mkdir, readdir, readFile } from "node:fs/promises";
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

/** What its JavaScript needs beside the program's tfjs: the backend reads its summaries' format when it is loaded. */
const PROTOBUF = "google-protobuf@^3.9.2";

async function fetchPackage({ env, scratch, staging, signal, progress }: InstallContext): Promise<string> {
  const what = `${PACKAGE}@${TFJS_NODE_VERSION}`;
  progress.step("JavaScript", `npm pack ${what}`);
  const folder = join(scratch, "npm");
  await mkdir(folder, { recursive: true });
  const packed = await runTool(["npm"], ["pack", "--silent", what, PROTOBUF], { env, cwd: folder, signal });
  if (packed.code !== 0) throw failed(`npm pack ${what}`, packed);
  const target = join(staging, "tfjs-node");
  const places = { tensorflow: target, google: join(target, "node_modules/google-protobuf") };
  for (const [start, place] of Object.entries(places)) {
    const archive = (await readdir(folder)).find((name) => name.startsWith(start) && name.endsWith(".tgz"));
    if (archive === undefined) throw failed(`npm pack ${what}`, packed);
    await mkdir(place, { recursive: true });
    const tarArguments = ["-xzf", archive, "-C", place, "--strip-components=1"];
    const unpacked = await runTool(["tar"], tarArguments, { env, cwd: folder, signal });
    if (unpacked.code !== 0) throw failed(`tar -xzf ${archive}`, unpacked);
  }
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
