/**
 * The settings of a world, and their checks.
 *
 * @packageDocumentation
 */
import type { ResourceLimits } from "node:worker_threads";
import type { EngineName } from "../engine/engine.ts";
import { ContractError } from "../errors.ts";
import { topologyProblem, topologySizeProblem, type Topology } from "../topology/topology.ts";
import type { RankSettings } from "./messages.ts";
import type { OutputLine } from "./rank-output.ts";

/** How to make a world. */
export interface WorldOptions {
  /** Number of ranks; each is one worker thread, or one process where an MPI launcher started this one. */
  readonly ranks: number;
  /** The tfjs backend that computes; `"auto"` (the default) takes the fastest that starts. */
  readonly engine?: EngineName | "auto" | undefined;
  /**
   * Threads that each rank computes with. Default 1, or what `TF_NUM_INTRAOP_THREADS` says. More than one only on
   * `tensorflow`, whose ranks then share a pool of `threadsPerRank * ranks` threads.
   */
  readonly threadsPerRank?: number | undefined;
  /** Checked mode: arguments and replicas are compared across ranks before they are used. Default false. */
  readonly checked?: boolean | undefined;
  /** How long a collective waits for a rank that does not arrive. Default 300,000; `Infinity` waits for ever. */
  readonly timeoutMs?: number | undefined;
  /** Seed of `Math.random` on every rank, the same on all, so that what tfjs draws agrees. Default 0. */
  readonly seed?: number | undefined;
  /**
   * Over MPI: reduce floats in the order of ranks, so that the result has the same bits as on threads on any number of
   * ranks. Threads always do. Default false: MPI chooses the order, which is faster.
   */
  readonly deterministic?: boolean | undefined;
  /**
   * What messages between ranks cost, as `meshwright topology --save` measured it with the same launcher on the same hosts.
   * `createMesh` derives the speed of its axes from it. Default: none.
   */
  readonly topology?: Topology | undefined;
  /** `"threads"` starts worker threads even where an MPI launcher started this process. Default `"auto"`. */
  readonly transport?: "auto" | "threads" | undefined;
  /** Receives the lines that ranks write. Default: this process's streams, with `[rank 2] ` before each line. */
  readonly output?: ((line: OutputLine) => void) | undefined;
  /** Memory limits of each rank's thread, as Node's `Worker` takes them. */
  readonly resourceLimits?: ResourceLimits | undefined;
}

/** The engines by name; `"auto"` first. */
export const ENGINE_CHOICES = ["auto", "tensorflow", "wasm", "cpu"] as const;

/** Long enough for one rank to validate or to write a checkpoint while the others wait for it. */
const DEFAULT_TIMEOUT_MS = 300_000;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws ContractError that lists every option that is wrong.
 */
export function rankSettings(where: string, options: WorldOptions): RankSettings {
  const { ranks, engine = "auto", checked = false, timeoutMs = DEFAULT_TIMEOUT_MS, seed = 0 } = options;
  const { threadsPerRank, deterministic = false, topology } = options;
  const problems = [
    ...unless(isPositiveInteger(ranks), "ranks", ranks, "be a positive integer; use 1 or more"),
    ...unless(
      ENGINE_CHOICES.includes(engine),
      "engine",
      engine,
      `be one of ${ENGINE_CHOICES.join(", ")}; use "auto"`,
    ),
    ...unless(
      threadsPerRank === undefined || isPositiveInteger(threadsPerRank),
      "threadsPerRank",
      threadsPerRank,
      "be a positive integer; use 1 or more",
    ),
    ...unless(
      timeoutMs > 0,
      "timeoutMs",
      timeoutMs,
      `be a positive number of milliseconds; use ${DEFAULT_TIMEOUT_MS}, or Infinity to wait for ever`,
    ),
    ...unless(Number.isInteger(seed), "seed", seed, "be an integer; use 0"),
    ...problemsOf(topology, ranks),
  ];
  if (problems.length === 1) throw new ContractError(`${where}: ${problems.join("")}.`);
  if (problems.length > 1) {
    throw new ContractError(`${where}:${problems.map((problem) => `\n- ${problem}.`).join("")}`);
  }
  const settings = { ranks, engine, threadsPerRank, checked, timeoutMs, seed, deterministic };
  return topology === undefined ? settings : { ...settings, topology };
}

function problemsOf(topology: Topology | undefined, ranks: number): string[] {
  if (topology === undefined) return [];
  const problem = topologyProblem(topology) ?? topologySizeProblem(topology, ranks);
  return problem === undefined ? [] : [problem];
}

function unless(isRight: boolean, name: string, value: unknown, rule: string): string[] {
  return isRight ? [] : [`${name} (${String(value)}) must ${rule}`];
}

function isPositiveInteger(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
