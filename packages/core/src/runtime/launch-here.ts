/**
 * One file that is both program and launcher.
 *
 * @packageDocumentation
 */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { describeFailure } from "./describe-failure.ts";
import { launch } from "./launch.ts";
import type { WorldOptions } from "./world-options.ts";

/**
 * Runs the program that the calling file exports, if the file was started by itself (`node file.ts`); does nothing where
 * it is imported or where a rank loads it. A failure is printed with the rank's own stack, and sets the exit code to 1.
 *
 * @example
 * ```ts
 * export default defineProgram(({ world }) => console.log(world.rank));
 * await launchHere(import.meta, { ranks: 2 });
 * ```
 */
export async function launchHere(
  module: { readonly url: string },
  options: WorldOptions & { readonly options?: unknown },
): Promise<void> {
  const started = process.argv[1];
  if (!isMainThread || started === undefined || realpathSync(started) !== fileURLToPath(module.url)) return;
  try {
    await launch(new URL(module.url), options);
  } catch (error) {
    console.error(describeFailure(error));
    process.exitCode = 1;
  }
}
