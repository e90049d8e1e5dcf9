/**
 * Why the native engine was not installed.
 *
 * @packageDocumentation
 */

/** What an installation does, in this order; the first four only where a source needs them. */
export type InstallStep = "check" | "fetch" | "unpack" | "JavaScript" | "build" | "load" | "put in place";

/** A step failed, the engine installed before is as it was. The message says the step, the reason and what to do. */
export class EngineInstallError extends Error {
  override readonly name: string = "EngineInstallError";
  readonly step: InstallStep;
  /** Reason and fix alone. */
  readonly detail: string;

  constructor(step: InstallStep, detail: string, options?: ErrorOptions) {
    super(`meshwright engine install: step "${step}": ${detail}`, options);
    this.step = step;
    this.detail = detail;
  }
}
