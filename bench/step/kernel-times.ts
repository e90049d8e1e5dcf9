/**
 * Where the time of a step goes: by engine kernel, in collectives, and the rest.
 *
 * @packageDocumentation
 */
import type { ProcessGroup, World } from "@meshwright/core";
import { getKernelsForBackend, registerKernel, unregisterKernel } from "@tensorflow/tfjs";

/** Time of all calls of one kernel (or collective) in a step, without that of the kernels which it calls. */
export interface KernelTime {
  readonly name: string;
  readonly calls: number;
  readonly ms: number;
}

/** A step, taken apart. */
export interface StepProfile {
  readonly ms: number;
  /** Kernels and collectives, the longest first. */
  readonly kernels: readonly KernelTime[];
}

/** Adds up the time per name in the steps that it profiles. */
export class KernelClock {
  #running: Map<string, { calls: number; ms: number }> | undefined;
  #fastest: StepProfile | undefined;
  /** Time of what was timed inside the present call. */
  #innerMs = 0;

  /** The fastest step that was profiled. */
  get fastest(): StepProfile | undefined {
    return this.#fastest;
  }

  /** Runs one step with the clock. */
  profile<R>(step: () => R): R {
    const totals = new Map<string, { calls: number; ms: number }>();
    this.#running = totals;
    const start = performance.now();
    const result = step();
    const ms = performance.now() - start;
    this.#running = undefined;
    if (this.#fastest === undefined || ms < this.#fastest.ms) {
      const kernels = [...totals].map(([name, total]) => ({ name, ...total }));
      this.#fastest = { ms, kernels: kernels.sort((a, b) => b.ms - a.ms) };
    }
    return result;
  }

  /** Runs `body`; within `profile`, adds its time to `name`. */
  time<R>(name: string, body: () => R): R {
    const totals = this.#running;
    if (totals === undefined) return body();
    const outerMs = this.#innerMs;
    this.#innerMs = 0;
    const start = performance.now();
    const result = body();
    const wholeMs = performance.now() - start;
    const ms = wholeMs - this.#innerMs;
    this.#innerMs = outerMs + wholeMs;
    const total = totals.get(name);
    if (total === undefined) totals.set(name, { calls: 1, ms });
    else {
      total.calls++;
      total.ms += ms;
    }
    return result;
  }
}

/**
 * Registers every kernel of the engine anew, with the clock around it. Call it before the sharded backend looks them
 * up. The returned function puts the kernels back.
 */
export function clockKernels(backendName: string, clock: KernelClock): () => void {
  const before = getKernelsForBackend(backendName);
  for (const config of before) {
    const { kernelName, kernelFunc } = config;
    unregisterKernel(kernelName, backendName);
    registerKernel({
      ...config,
      kernelFunc: (params) => clock.time(kernelName, () => kernelFunc(params)),
    });
  }
  return () => {
    for (const config of before) {
      unregisterKernel(config.kernelName, backendName);
      registerKernel(config);
    }
  };
}

const COLLECTIVES = ["allReduce", "allGather", "reduceScatter", "allToAll", "broadcast"] as const;

/** The same world, whose new groups put the clock around their collectives. */
export function clockCollectives(world: World, clock: KernelClock): World {
  return {
    ...world,
    createGroup: (ranks, options) => clockGroup(world.createGroup(ranks, options), clock),
  };
}

function clockGroup(group: ProcessGroup, clock: KernelClock): ProcessGroup {
  return new Proxy(group, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      const call = member.bind(target) as (...args: unknown[]) => unknown;
      const isTimed = (COLLECTIVES as readonly PropertyKey[]).includes(key);
      return isTimed ? (...args: unknown[]) => clock.time(String(key), () => call(...args)) : call;
    },
  });
}
