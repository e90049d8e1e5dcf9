/**
 * What is measured, as it is stored beside the program that measures it.
 *
 * @packageDocumentation
 */
import type { EngineName } from "@meshwright/core";
import type { KernelAttrs } from "../../src/rules/rule.ts";

/** How one call went, with its inputs laid out in every way that the measurement tries. */
export interface Outcome {
  /** `"equal"`, or the first layout that differs from dense, and how. */
  readonly value: string;
  /** `"equal"`; `"none"`: tfjs has none; `"tfjs: wrong"`: not that of the dense operation; or the first failure. */
  readonly gradient: string;
  /** Kernels of the forward pass. */
  readonly forward: readonly string[];
  /** Kernels that the gradient runs besides. */
  readonly backward: readonly string[];
  /** Layouts of the inputs that were tried. */
  readonly layouts: number;
}

/** One call on all worlds. */
export interface MeasuredCall {
  readonly kernel: string;
  readonly variant?: string;
  /** By engine: the outcome on the first world that failed, or else that of all of them. */
  readonly engines: Readonly<Partial<Record<EngineName, Outcome>>>;
}

/** A kernel call in the global view, as a rule sees it. */
export interface SampleCall {
  readonly kernel: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: string;
  }[];
  readonly attrs: KernelAttrs;
}

/** The kernels of an engine. */
export interface EngineKernels {
  readonly kernels: readonly string[];
  readonly bridged: readonly string[];
}

/** Everything that is measured. */
export interface Measured {
  readonly calls: readonly MeasuredCall[];
  /** The first call of each kernel that the sharded backend met. */
  readonly samples: Readonly<Record<string, SampleCall>>;
  /** By engine: all kernels that it has, Meshwright's own among them, and those of them that run on copies on cpu. */
  readonly engines: Readonly<Partial<Record<EngineName, EngineKernels>>>;
}
