/**
 * What runs on every rank: a program, and the context it gets.
 *
 * @packageDocumentation
 */
import type { Ledger } from "../collectives/ledger.ts";
import type { ProcessGroup } from "../collectives/process-group.ts";
import type { Engine } from "../engine/engine.ts";
import type { Topology } from "../topology/topology.ts";

/** One rank's view of its world. */
export interface World {
  /** This rank's number, 0..size-1. */
  readonly rank: number;
  /** Ranks in the world. */
  readonly size: number;
  /** All ranks. */
  readonly group: ProcessGroup;
  /** A group of some ranks. Every member calls it, in the same order among themselves; non-members do not. */
  createGroup(ranks: readonly number[], options: { readonly name: string }): ProcessGroup;
  /**
   * Name of the host that each rank is on, the same on every rank; on threads all are this one. Ranks are numbered host by
   * host, whatever the launcher did: `["node-a", "node-a", "node-b", "node-b"]`.
   */
  readonly hosts: readonly string[];
  /** What messages between ranks cost, where the world was started with a measured `topology`; the same on every rank. */
  readonly topology?: Topology;
  /**
   * Whether sums are added in the order of ranks: always on threads, and over MPI with `deterministic`. Nothing that the
   * order of additions follows from may then depend on the hosts.
   */
  readonly deterministic: boolean;
  /** What this rank communicated. */
  readonly ledger: Ledger;
  /** The engine that computes this rank's local work. */
  readonly engine: Engine;
  /** Whether checked mode is on: arguments and replicas are compared across ranks before they are used. */
  readonly checked: boolean;
}

/** What a program gets. `Options` and `Update` must be structured-cloneable. */
export interface ProgramContext<Options, Update> {
  readonly world: World;
  /** The options of this run; the same on every rank. */
  readonly options: Options;
  /** Sends a progress update to whoever launched the run. Cheap; never blocks. */
  readonly report: (update: Update) => void;
}

/** A program, as `defineProgram` returns it. The default export of a program file. */
export interface Program<Options = unknown, Update = unknown, Result = unknown> {
  readonly kind: "meshwright-program";
  readonly main: (context: ProgramContext<Options, Update>) => Result | Promise<Result>;
}

/**
 * Declares what every rank runs. Export it as the default of a file of its own, and start that file with `launch`,
 * `createWorld` or `meshwright run`.
 *
 * Annotate the context to give the run's options and updates a type; the launcher gets it back from `typeof program`.
 *
 * @example
 * ```ts
 * export default defineProgram(({ world, options, report }: ProgramContext<{ steps: number }, number>) => {
 *   for (let step = 0; step < options.steps; step++) report(step);
 *   return world.rank;
 * });
 * ```
 */
export function defineProgram<Options = unknown, Update = unknown, Result = unknown>(
  main: (context: ProgramContext<Options, Update>) => Result | Promise<Result>,
): Program<Options, Update, Result> {
  return { kind: "meshwright-program", main };
}
