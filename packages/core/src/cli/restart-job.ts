/**
 * A whole job as a process of its own, started again while it fails: no rank can be replaced in a running job, because MPI
 * does not let survivors go on, and a fault below JavaScript takes all threads with it.
 *
 * @packageDocumentation
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { ExitCode } from "./exit-code.ts";
import { Interruption } from "./interruptible.ts";

/** The job has failed, and may not be started again. */
export class JobError extends Error {
  override readonly name: string = "JobError";
  /** With which the command ends. */
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** How a process ended. */
export interface JobEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A job, and how it is watched. */
export interface RestartOptions {
  readonly maxRestarts: number;
  /** Ends the job for good. */
  readonly signal: AbortSignal;
  /** Gets a line about every restart. */
  readonly log: (line: string) => void;
}

/** What follows from the end of an attempt; the first one has number 0. */
export type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "restart"; readonly text: string }
  | { readonly kind: "failed"; readonly text: string; readonly exitCode: number };

/** Decides. A wrong command line would fail in the same way again. */
export function judgeEnd({ code, signal }: JobEnd, attempt: number, maxRestarts: number): Verdict {
  if (code === ExitCode.done) return { kind: "done" };
  const ended = signal === null ? `ended with exit code ${String(code)}` : `was ended by ${signal}`;
  if (code === ExitCode.usage) return { kind: "failed", text: `the job ${ended}`, exitCode: ExitCode.usage };
  if (attempt < maxRestarts) {
    const count = `restart ${attempt + 1} of ${maxRestarts}`;
    return { kind: "restart", text: `the job ${ended}; starting it again (${count})` };
  }
  const after = maxRestarts === 0 ? "" : ` after ${maxRestarts} restarts`;
  return { kind: "failed", text: `the job ${ended}${after}`, exitCode: ExitCode.failed };
}

/**
 * Runs `command` (a program and its arguments) until it ends well.
 *
 * @throws JobError if it failed `maxRestarts + 1` times; Interruption if `signal` was aborted, once the job has ended.
 */
export async function restartJob(command: readonly string[], options: RestartOptions): Promise<void> {
  const { maxRestarts, signal, log } = options;
  for (let attempt = 0; ; attempt++) {
    const end = await runJob(command, signal);
    signal.throwIfAborted();
    const verdict = judgeEnd(end, attempt, maxRestarts);
    if (verdict.kind === "done") return;
    if (verdict.kind === "failed") throw new JobError(`meshwright: ${verdict.text}`, verdict.exitCode);
    log(`meshwright: ${verdict.text}`);
  }
}

async function runJob([program, ...args]: readonly string[], signal: AbortSignal): Promise<JobEnd> {
  const child = spawn(program!, args, { stdio: "inherit" });
  const stop = (): void => {
    if (!reachedByTerminal(signal.reason)) child.kill("SIGTERM");
  };
  signal.addEventListener("abort", stop);
  try {
    const [code, killedBy] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return { code, signal: killedBy };
  } catch (error) {
    // Not started at all.
    const reason = error instanceof Error ? error.message : String(error);
    throw new JobError(
      `meshwright run: --launcher (${program!}) must be a command that can be started (${reason}); check its name.`,
      ExitCode.usage,
    );
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Ctrl-C in a terminal reaches every process of the foreground group; a second signal would cut the job's clean-up short. */
function reachedByTerminal(reason: unknown): boolean {
  const isTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  return reason instanceof Interruption && reason.exitCode === ExitCode.interrupted && isTerminal;
}
