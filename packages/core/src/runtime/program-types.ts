/**
 * The types that a program carries, taken out of `typeof program`.
 *
 * @packageDocumentation
 */
import type { Program, ProgramContext } from "./program.ts";

/** Any program, whatever its options, updates and result are. */
export type AnyProgram = Program<never>;

/** The options that program `P` takes. */
export type OptionsOf<P extends AnyProgram> = P["main"] extends (
  context: ProgramContext<infer Options, unknown>,
) => unknown
  ? Options
  : never;

/** What program `P` passes to `report`. */
export type UpdateOf<P extends AnyProgram> = P["main"] extends (
  context: ProgramContext<never, infer Update>,
) => unknown
  ? Update
  : never;

/** What program `P` returns on every rank, promises unwrapped. */
export type ResultOf<P extends AnyProgram> = Awaited<ReturnType<P["main"]>>;

/** What the launcher of a run watches while it goes on. */
export interface RunHooks<P extends AnyProgram = Program> {
  /** Called on the main thread with each update that a rank reports, in the order the rank sent them. */
  readonly onReport?: ((update: UpdateOf<P>, rank: number) => void) | undefined;
  /** Aborting it ends all ranks; the run then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What to watch, and how much of a world takes part in one run. */
export interface RunSettings<P extends AnyProgram = Program> extends RunHooks<P> {
  /** Runs on the first so many ranks of the world, as if it had no more; the others stay idle. Default: all. */
  readonly ranks?: number | undefined;
}

/** The arguments of a run after the program's URL; options may be left out only if the program's type allows it. */
export type RunArguments<P extends AnyProgram> =
  undefined extends OptionsOf<P>
    ? [options?: OptionsOf<P>, settings?: RunSettings<P>]
    : [options: OptionsOf<P>, settings?: RunSettings<P>];
