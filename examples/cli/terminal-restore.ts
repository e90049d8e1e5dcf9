/**
 * Giving the terminal back when the process is stopped half-way.
 *
 * @packageDocumentation
 */

/** Calls `restore` when the process is about to end before `remove` was called, and lets it end as it would have. */
export class TerminalRestore {
  readonly #onExit: () => void;
  readonly #onSignal: (signal: NodeJS.Signals) => void;
  static readonly #signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

  constructor(restore: () => void) {
    this.#onExit = restore;
    this.#onSignal = (signal) => {
      restore();
      // Without another listener the signal would have ended the process; with one, that listener decides.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    };
    process.on("exit", this.#onExit);
    for (const signal of TerminalRestore.#signals) process.on(signal, this.#onSignal);
  }

  remove(): void {
    process.off("exit", this.#onExit);
    for (const signal of TerminalRestore.#signals) process.off(signal, this.#onSignal);
  }
}
