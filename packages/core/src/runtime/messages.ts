/**
 * What the main thread and the ranks say to each other. Everything here is structured-cloneable.
 *
 * Main thread to rank: one piscina task per rank. Rank to main thread: messages on the worker's own port, which Node
 * delivers in order and up to the last one before it announces that the thread ended.
 *
 * @packageDocumentation
 */
import type { LedgerTotal } from "../collectives/ledger.ts";
import type { Engine, EngineName } from "../engine/engine.ts";
import type { ThreadsArena } from "../transport/threads/arena.ts";
import type { Topology } from "../topology/topology.ts";
import type { ErrorRecord } from "./error-record.ts";

/** What stays the same for the life of a worker; its `workerData`. */
export interface RankSettings {
  readonly ranks: number;
  readonly engine: EngineName | "auto";
  /** Undefined: one, or what the environment says. */
  readonly threadsPerRank: number | undefined;
  readonly checked: boolean;
  readonly timeoutMs: number;
  readonly seed: number;
  /** Over MPI: reduce in the order of ranks, as threads do. */
  readonly deterministic: boolean;
  /** What messages between ranks cost, where it was measured before. */
  readonly topology?: Topology;
}

/** Work for one rank. */
export type RankTask =
  | { readonly kind: "start"; readonly rank: number }
  | {
      readonly kind: "run";
      readonly rank: number;
      readonly program: string;
      readonly options: unknown;
      readonly arena: ThreadsArena;
    };

/** Which engine a rank runs on, and why not an earlier one. */
export type EngineChoice = Pick<Engine, "name" | "backendName" | "skipped">;

/** Which standard stream. */
export type OutputStream = "stdout" | "stderr";

/** What one rank did in one run. */
export interface RankRecord {
  readonly rank: number;
  /** Node's number of the thread that was the rank. */
  readonly threadId: number;
  /** tfjs tensors alive on the rank. */
  readonly numTensors: {
    readonly before: number;
    /** When the program returned; `left - before` is what the program leaked. */
    readonly left: number;
    /** After the rank released what the program left; more than `before` only where tensors were `tf.keep`-ed. */
    readonly after: number;
  };
  /** What the rank communicated in this run. */
  readonly ledger: readonly LedgerTotal[];
}

/** News from one rank. */
export type RankMessage =
  | { readonly kind: "started"; readonly rank: number; readonly engine: EngineChoice }
  | {
      readonly kind: "output";
      readonly rank: number;
      readonly stream: OutputStream;
      readonly chunk: string | Uint8Array;
    }
  | { readonly kind: "report"; readonly rank: number; readonly update: unknown }
  | { readonly kind: "done"; readonly rank: number; readonly result: unknown; readonly record: RankRecord }
  | {
      readonly kind: "failed";
      readonly rank: number;
      /** `setup`: before the program ran, and not this rank's own fault (engine, program file). */
      readonly phase: "setup" | "program";
      readonly error: ErrorRecord;
    };
