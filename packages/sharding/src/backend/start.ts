/**
 * Makes `sharded` the current tfjs backend of this rank.
 *
 * @packageDocumentation
 */
import { InternalError, type World } from "@meshwright/core";
import {
  engine as tfEngine,
  getBackend,
  getKernelsForBackend,
  registerBackend,
  registerGradient,
  registerKernel,
  removeBackend,
} from "@tensorflow/tfjs";
import { builtinRules } from "../rules/registry.ts";
import { replicationReason } from "../rules/replicated.ts";
import type { Rule } from "../rules/rule.ts";
import { findShardedBackend, shardedBackend } from "./current.ts";
import { findKernel, type KernelInputs } from "./engine-door.ts";
import type { FallbackReport } from "./kernel-executor.ts";
import { flattenInputs, takesNestedInputs, type NestedInputs } from "./nested-inputs.ts";
import { redistributeGradient, redistributeKernel } from "./redistribute-kernel.ts";
import { SHARDED, ShardedBackend } from "./sharded-backend.ts";

/** Starts the backend over the world's engine, or returns the one that already runs there. */
export function startSharding(world: World): ShardedBackend {
  const running = findShardedBackend();
  if (running?.world === world) {
    activate();
    return running;
  }
  if (running !== undefined) removeBackend(SHARDED);
  const rules = builtinRules();
  const backend = new ShardedBackend(world, rules, (report) => {
    if (world.rank === 0) warnOfFallback(report);
  });
  registerBackend(SHARDED, () => backend, 0);
  registerKernels(getKernelsForBackend(world.engine.backendName).map((config) => config.kernelName));
  registerKernels(kernelsWithLocal(rules));
  if (findKernel(redistributeKernel.kernelName, SHARDED) === undefined) registerKernel(redistributeKernel);
  registerGradient(redistributeGradient);
  activate();
  return backend;
}

/** Adds rules to this thread's sharded backend; they win over the present ones. */
export function installRules(rules: readonly Rule[]): void {
  shardedBackend("createMesh").addRules(rules);
  registerKernels(rules.flatMap(({ kernels }) => kernels));
}

/** A rule's own local step needs no kernel of this name from the engine. */
function kernelsWithLocal(rules: readonly Rule[]): string[] {
  return rules.flatMap((rule) => (rule.local === undefined ? [] : rule.kernels));
}

function activate(): void {
  // The factory is synchronous, so the backend is current when the call returns; the promise only repeats that.
  void tfEngine().setBackend(SHARDED);
  if (getBackend() !== SHARDED) throw new InternalError("tfjs did not switch to the sharded backend");
}

/** Forwards each kernel name to the backend. Names that are registered already stay. */
function registerKernels(kernelNames: readonly string[]): void {
  for (const kernelName of kernelNames) {
    if (findKernel(kernelName, SHARDED) !== undefined) continue;
    const takesNested = takesNestedInputs(kernelName);
    registerKernel({
      kernelName,
      backendName: SHARDED,
      kernelFunc: ({ inputs, attrs, backend }) => {
        const flat = takesNested ? flattenInputs(inputs as NestedInputs) : (inputs as KernelInputs);
        return (backend as ShardedBackend).execute(kernelName, flat, attrs ?? {});
      },
    });
  }
}

function warnOfFallback({ kernel, bytesSent }: FallbackReport): void {
  const reason = replicationReason(kernel);
  const [why, use] =
    reason === undefined
      ? ["has no sharding rule", "give it a rule with defineRule"]
      : [`stays replicated (${reason})`, "keep what it takes whole, or small"];
  console.warn(
    `meshwright: kernel "${kernel}" ${why}, so its inputs are gathered (${Math.round(bytesSent)} bytes per rank and call) and every rank computes all of it; ${use}.`,
  );
}
