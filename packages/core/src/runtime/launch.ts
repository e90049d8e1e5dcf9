/**
 * One run in a world of its own.
 *
 * @packageDocumentation
 */
import type { Program } from "./program.ts";
import type { AnyProgram, OptionsOf, ResultOf, RunArguments, RunHooks } from "./program-types.ts";
import { launchClaims } from "./mpi/launch-claims.ts";
import { WorldHandle } from "./world-handle.ts";
import type { WorldOptions } from "./world-options.ts";

/** A world's settings, the program's options, and what to watch. */
export type LaunchOptions<P extends AnyProgram = Program> = WorldOptions &
  RunHooks<P> &
  (undefined extends OptionsOf<P> ? { readonly options?: OptionsOf<P> } : { readonly options: OptionsOf<P> });

/**
 * Starts a world, runs one program in it, and closes it. Returns the results in rank order.
 *
 * @example
 * ```ts
 * await launch(new URL("./train.ts", import.meta.url), { ranks: 4 });
 * ```
 * @throws The same as `createWorld` and `WorldHandle.run`; all threads have ended then.
 */
export async function launch<P extends AnyProgram = Program>(
  program: URL,
  launchOptions: LaunchOptions<P>,
): Promise<ResultOf<P>[]> {
  const { options, onReport, signal, ...worldOptions } = launchOptions;
  const world = await WorldHandle.start(worldOptions, signal, [...launchClaims(program, options)]);
  try {
    return await world.run<P>(program, ...([options, { onReport, signal }] as RunArguments<P>));
  } finally {
    await world.close();
  }
}
