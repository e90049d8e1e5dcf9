/**
 * What every step of an installation is given.
 *
 * @packageDocumentation
 */
import type { EngineCache, Environment } from "./engine-cache.ts";
import type { InstallStep } from "./install-error.ts";

/** Shows how far an installation has come. */
export interface InstallProgress {
  /** A step begins. */
  step(step: InstallStep, what: string): void;
  /** How far the step is. */
  bytes(done: number, total: number): void;
  /** Something that the user has to know, and that is no failure. */
  note(text: string): void;
}

/** Surroundings of an installation. */
export interface InstallContext {
  readonly env: Environment;
  readonly cache: EngineCache;
  /** The folder that becomes the engine's; removed if the installation fails. */
  readonly staging: string;
  /** For what is needed only while installing. */
  readonly scratch: string;
  readonly progress: InstallProgress;
  readonly signal?: AbortSignal | undefined;
  /** Where packages of the program are looked for: files or folders, in order. */
  readonly packagesFrom: readonly string[];
}

/** What a source has put into `staging`. */
export interface StagedEngine {
  readonly tensorflowVersion: string;
  readonly tfjsNodeVersion: string;
  readonly threadSafe: boolean;
  readonly addon: string;
  /** Of the files that were hashed on their way; the others are hashed later. */
  readonly sha256: Readonly<Record<string, string>>;
}
