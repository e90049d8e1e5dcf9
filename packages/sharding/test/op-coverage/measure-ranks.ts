/**
 * Runs every call on this world: dense, then with its inputs laid out in every way, forward and backward.
 */
import { defineProgram } from "@meshwright/core";
import { createMesh, shard, type DeviceMesh, type Placement } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { formatPlacement } from "../../src/placement.ts";
import { builtinRules } from "../../src/rules/registry.ts";
import type { KernelCall, Rule } from "../../src/rules/rule.ts";
import { allCalls } from "./all-calls.ts";
import { gradientsOf, slopes, valuesOf, type HostValue } from "./evaluate.ts";
import { layoutsOf } from "./layouts.ts";
import type { EngineKernels, Outcome, SampleCall } from "./measured.ts";
import type { OpCall, OpInput } from "./op-call.ts";

/** What one rank found. */
export interface RankMeasurement {
  /** In the order of `allCalls`. */
  readonly outcomes: readonly Outcome[];
  readonly samples: Readonly<Record<string, SampleCall>>;
  readonly engine: EngineKernels;
}

type Axis = DeviceMesh<{ x: number }>;

export default defineProgram<undefined, unknown, RankMeasurement>(async ({ world }) => {
  const samples = new Samples();
  const mesh = createMesh(
    world,
    { x: world.size },
    { rules: builtinRules().map((rule) => recording(rule, samples)) },
  );
  const outcomes: Outcome[] = [];
  for (const call of allCalls) {
    samples.expect(call.kernel);
    outcomes.push(await measure(call, mesh));
  }
  const kernels = tf.getKernelsForBackend(world.engine.backendName).map(({ kernelName }) => kernelName);
  return {
    outcomes,
    samples: samples.byKernel,
    engine: { kernels: kernels.sort(), bridged: world.engine.bridgedKernels() },
  };
});

/** The first call of each kernel, and rather one that is about the kernel than one that happens to use it. */
class Samples {
  readonly byKernel: Record<string, SampleCall> = {};
  readonly #found = new Set<string>();
  #expected = "";

  /** The next calls are about this kernel. */
  expect(kernel: string): void {
    this.#expected = kernel;
  }

  note(call: KernelCall): void {
    const isAbout = call.kernel === this.#expected && !this.#found.has(call.kernel);
    if (isAbout) this.#found.add(call.kernel);
    if (isAbout || this.byKernel[call.kernel] === undefined) this.byKernel[call.kernel] = sampleOf(call);
  }
}

/** The rule, which notes the calls that it decides. */
function recording(rule: Rule, samples: Samples): Rule {
  return {
    ...rule,
    strategies: (call, axis) => {
      samples.note(call);
      return rule.strategies(call, axis);
    },
  };
}

/** Attributes that JSON cannot hold do not decide strategies. */
function sampleOf({ kernel, inputs, attrs }: KernelCall): SampleCall {
  return {
    kernel,
    inputs: inputs.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    attrs: JSON.parse(JSON.stringify(attrs)) as KernelCall["attrs"],
  };
}

async function measure(call: OpCall, mesh: Axis): Promise<Outcome> {
  const inputs = call.inputs.map(toTensor);
  const whole = await profiled(() => valuesOf(call, inputs));
  const layouts = layoutsOf(call.inputs);
  let value = "equal";
  for (const layout of layouts) {
    value = firstFailure(
      value,
      layout,
      compare(
        attempt(() => valuesOf(call, place(inputs, layout, mesh))),
        whole,
      ),
    );
  }
  const isFloat = inputs.some(({ dtype }) => dtype === "float32");
  const backward = await profiled(() => (isFloat ? gradientsOf(call, inputs) : []));
  const gradient = !isFloat
    ? "none"
    : measureGradient(call, { inputs, layouts, mesh, dense: backward.result });
  tf.dispose(inputs);
  return {
    value,
    gradient,
    forward: whole.kernels,
    backward: backward.kernels.filter((kernel) => !whole.kernels.includes(kernel)),
    layouts: layouts.length,
  };
}

function measureGradient(
  call: OpCall,
  {
    inputs,
    layouts,
    mesh,
    dense,
  }: { inputs: tf.Tensor[]; layouts: Placement[][]; mesh: Axis; dense: Attempt },
): string {
  if (dense.error !== undefined) return hasNoGradient(dense.error) ? "none" : `tfjs: fails (${dense.error})`;
  const { byGradient, byValues } = slopes(call, inputs, dense.values!);
  // Central differences in float32.
  if (Math.abs(byGradient - byValues) > 1e-2 * Math.max(1, Math.abs(byValues))) return "tfjs: wrong";
  let gradient = "equal";
  for (const layout of layouts) {
    const found = attempt(() => gradientsOf(call, place(inputs, layout, mesh)));
    gradient = firstFailure(gradient, layout, compare(found, { result: dense }));
  }
  return gradient;
}

function hasNoGradient(error: string): boolean {
  return (
    error.includes("gradient function not found") || error.startsWith("Cannot compute gradient of y=f(x)")
  );
}

/** Values, or why there are none. */
interface Attempt {
  readonly values?: readonly HostValue[];
  readonly error?: string;
}

function attempt(run: () => HostValue[]): Attempt {
  try {
    return { values: run() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** A kernel that fails inside `tf.profile` is an unhandled rejection, so only what works is profiled. */
async function profiled(run: () => HostValue[]): Promise<{ result: Attempt; kernels: string[] }> {
  const result = attempt(run);
  if (result.error !== undefined) return { result, kernels: [] };
  const { kernelNames } = await tf.profile(() => {
    run();
    return tf.scalar(0);
  });
  return { result, kernels: [...new Set(kernelNames)].sort() };
}

function place(inputs: readonly tf.Tensor[], layout: readonly Placement[], mesh: Axis): tf.Tensor[] {
  return inputs.map((input, i) => shard(input, mesh, { x: layout[i]! }));
}

/** Sums in another order. */
const TOLERANCE = 2e-5;

function compare(found: Attempt, { result: dense }: { result: Attempt }): string {
  if (dense.error !== undefined)
    return found.error === undefined ? "only dense fails" : `fails dense too (${dense.error})`;
  if (found.error !== undefined) return found.error;
  for (const [i, expected] of dense.values!.entries()) {
    const actual = found.values![i]!;
    if (actual.shape.join() !== expected.shape.join())
      return `shape [${actual.shape.join(", ")}], not [${expected.shape.join(", ")}]`;
    for (const [at, want] of expected.values.entries()) {
      const got = actual.values[at]!;
      if (
        Object.is(got, want) ||
        Math.abs(Number(got) - Number(want)) <= TOLERANCE * Math.max(1, Math.abs(Number(want)))
      )
        continue;
      return `output ${i} element ${at} is ${got}, not ${want}`;
    }
  }
  return "equal";
}

function firstFailure(before: string, layout: readonly Placement[], now: string): string {
  if (before !== "equal" || now === "equal") return before;
  return `${layout.map(formatPlacement).join(", ")}: ${now}`;
}

function toTensor({ shape, dtype, values }: OpInput): tf.Tensor {
  return tf.tensor([...values] as number[], [...shape], dtype);
}
