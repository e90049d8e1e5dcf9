/**
 * What the processes of an MPI world say to each other, beside MPI: rank 0's main thread gives orders, and the main thread
 * of every process answers with news of its rank. Rank 0 talks to its own rank in the same words.
 *
 * @packageDocumentation
 */
import type { OpenedGroup } from "../../transport/mpi/attach.ts";
import type { PlaceMemory } from "../../transport/mpi/own-place.ts";
import type { MemberStatus } from "../../transport/mpi/member-status.ts";
import type { MpiLauncher } from "../../transport/mpi/launcher.ts";
import type { ErrorRecord } from "../error-record.ts";
import type { RankMessage, RankSettings, RankTask } from "../messages.ts";
import type { StartFacts } from "./start-facts.ts";

/** A rank's work without the memory that only its own process has. */
export type PlainTask =
  Extract<RankTask, { kind: "start" }> | Omit<Extract<RankTask, { kind: "run" }>, "arena">;

/** From rank 0 to a process. */
export type Order =
  | {
      readonly kind: "task";
      readonly task: PlainTask;
      /** Ranks that take part, the first ones. */
      readonly ranks: number;
      /** Hash of the program file on rank 0; `""` where there is none. */
      readonly programHash: string;
    }
  | { readonly kind: "describe"; readonly question: number }
  /** The world is closed. */
  | { readonly kind: "end" }
  /** The world has failed. */
  | { readonly kind: "abort" };

/** From a process to rank 0. */
export type News =
  | { readonly kind: "hello"; readonly rank: number; readonly secret: string }
  | { readonly kind: "message"; readonly message: RankMessage }
  /** The task is done. */
  | { readonly kind: "idle" }
  /** The rank has been waiting for others for a while. */
  | { readonly kind: "waiting" }
  | { readonly kind: "status"; readonly question: number; readonly status: MemberStatus }
  /** The rank's thread has ended without having been asked to. */
  | { readonly kind: "died"; readonly error: ErrorRecord };

/** What a rank's thread is started with; its `workerData`. */
export interface MpiWorkerData {
  readonly settings: RankSettings;
  readonly launcher: MpiLauncher;
  readonly place: PlaceMemory;
  /** What this process says about itself to the others, as JSON. */
  readonly facts: string;
}

/** From a process's main thread to its rank's thread. */
export type WorkerOrder =
  { readonly kind: "task"; readonly task: RankTask; readonly ranks: number } | { readonly kind: "end" };

/** From a rank's thread to the main thread of its process. */
export type WorkerNews =
  /** MPI runs; this process has that rank, and these are the facts of all ranks. */
  | { readonly kind: "joined"; readonly rank: number; readonly facts: readonly StartFacts[] }
  | { readonly kind: "failed to join"; readonly error: ErrorRecord }
  | { readonly kind: "message"; readonly message: RankMessage }
  | { readonly kind: "group"; readonly group: OpenedGroup }
  | { readonly kind: "idle" };
