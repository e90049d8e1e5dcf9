/**
 * `explainKernel`: why a kernel runs as it does, with the costs of everything that it could have done instead.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { DataType } from "@tensorflow/tfjs";
import { formatMesh, type MeshGeometry } from "../mesh.ts";
import { formatPlacement, Replicate, samePlacement, type Placement } from "../placement.ts";
import { resolvePlacements, type PlacementSpec } from "../placement-spec.ts";
import { explainRedistribute, type RedistributeStep } from "../redistribute/explain.ts";
import { decide, priceStrategies } from "../rules/plan.ts";
import { builtinRules, createRuleTable } from "../rules/registry.ts";
import type { KernelAttrs, KernelCall, Rule } from "../rules/rule.ts";
import { alignColumns } from "./align-columns.ts";

/** A tensor that goes into the kernel. */
export interface ExplainedInput {
  /** Global shape. */
  readonly shape: readonly number[];
  /** Default `"float32"`. */
  readonly dtype?: DataType;
  /** Axes that are not named are `Replicate()`. */
  readonly placements?: PlacementSpec;
}

/** What `explainKernel` is asked. */
export interface KernelQuestion {
  /** The name under which tfjs runs it: `"BatchMatMul"`, `"Softmax"`, `"Add"`. */
  readonly kernel: string;
  /** By the name under which the kernel takes them, in its order: `a` and `b`, `x`, or `0`, `1` for lists. */
  readonly inputs: Readonly<Record<string, ExplainedInput>>;
  readonly attrs?: KernelAttrs;
  /** Rules of your own kernels; they win over the built-in ones. */
  readonly rules?: readonly Rule[];
}

/** One way to run the kernel along one axis. */
export interface KernelCandidate {
  /** Placement that each input must have, and each output then has. */
  readonly inputs: readonly Placement[];
  readonly outputs: readonly Placement[];
  /** Bytes that a rank sends along the axis, the latency of its collectives counted as bytes; `Infinity`: not to be had. */
  readonly cost: number;
  readonly isChosen: boolean;
}

/** The choice along one axis. */
export interface AxisExplanation {
  readonly axis: string;
  /** Where the inputs are before. */
  readonly arriving: readonly Placement[];
  /** Everything replicated first, then the rule's strategies in its order; the first of the cheapest is chosen. */
  readonly candidates: readonly KernelCandidate[];
}

/** Why a kernel runs as it does. */
export interface KernelExplanation {
  readonly mesh: MeshGeometry;
  readonly call: KernelCall;
  /** One per axis, in the order in which they are decided. */
  readonly axes: readonly AxisExplanation[];
  /** How each input gets to where it is needed; empty where it is there already. */
  readonly moves: readonly (readonly RedistributeStep[])[];
  /** Global shape, dtype and placements of each output. */
  readonly outputs: readonly {
    readonly shape: readonly number[];
    readonly dtype: DataType;
    readonly placements: readonly Placement[];
  }[];
}

/**
 * All strategies that the planner weighed for a kernel call, axis by axis. No communication, no tensors and no ranks:
 * `mesh` may be one that does not exist.
 *
 * @example
 * ```ts
 * const mesh = { axisNames: ["tp"], shape: [4] };
 * const a = { shape: [64, 32], placements: { tp: Shard(1) } };
 * const b = { shape: [32, 48], placements: { tp: Shard(0) } };
 * console.log(formatKernel(explainKernel(mesh, { kernel: "BatchMatMul", inputs: { a, b } })));
 * // tp (4)    a                 b                 output           cost
 * // arriving  Shard(1)          Shard(0)
 * //           * Replicate()     * Replicate()     Replicate()     26752
 * //           * Shard(0)        * Replicate()     Shard(0)        22144
 * //           * Replicate()     * Shard(1)        Shard(1)        23296
 * // >         Shard(1)          Shard(0)          Partial("sum")      0
 * //           * Partial("sum")  * Replicate()     Partial("sum")  never
 * //           * Replicate()     * Partial("sum")  Partial("sum")  never
 * //
 * // output float32[64, 48]: tp Partial("sum")
 * explainKernel(mesh, { kernel: "Relu", inputs: { x: { shape: x.shape, placements: placementsOf(x) } } });
 * ```
 * @throws ContractError if the kernel has no rule (its inputs are gathered then), or placements do not fit.
 */
export function explainKernel(mesh: MeshGeometry, question: KernelQuestion): KernelExplanation {
  const { kernel, inputs, attrs = {}, rules = [] } = question;
  const rule = createRuleTable([...builtinRules(), ...rules]).lookup(kernel);
  if (rule === undefined) {
    throw new ContractError(
      `explainKernel: kernel ("${kernel}") must have a rule; without one its inputs are gathered and every rank computes all of it. Use defineRule, and options.rules here.`,
    );
  }
  const named = Object.entries(inputs).map(([name, { dtype = "float32", ...input }]) => ({
    name,
    dtype,
    ...input,
  }));
  const call: KernelCall = {
    kernel,
    attrs,
    inputs: named.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
  };
  const arriving = named.map(({ placements = {}, ...input }) =>
    resolvePlacements("explainKernel", mesh, placements, input),
  );
  const decision = decide(rule, call, arriving, mesh);
  const axes = mesh.axisNames.map((axis, index) =>
    explainAxis(rule, call, { mesh, axis, index, arriving, decision }),
  );
  const moves = named.map(({ shape, dtype }, i) => {
    const asSpec = (placements: readonly Placement[]): PlacementSpec =>
      Object.fromEntries(mesh.axisNames.map((axis, index) => [axis, placements[index]!]));
    const to = asSpec(decision.inputs[i]!);
    return explainRedistribute(mesh, { shape, dtype, from: asSpec(arriving[i]!), to }).steps;
  });
  const outputs = rule.outputs(call).map((spec, i) => ({ ...spec, placements: decision.outputs[i]! }));
  return { mesh, call, axes, moves, outputs };
}

interface AxisQuestion {
  readonly mesh: MeshGeometry;
  readonly axis: string;
  readonly index: number;
  readonly arriving: readonly (readonly Placement[])[];
  readonly decision: ReturnType<typeof decide>;
}

/** Axes before this one are as decided, this one and those after it as the inputs arrive. */
function explainAxis(
  rule: Rule,
  call: KernelCall,
  { mesh, axis, index, arriving, decision }: AxisQuestion,
): AxisExplanation {
  const inputs = arriving.map((placements, i) =>
    placements.map((placement, other) => (other < index ? decision.inputs[i]![other]! : placement)),
  );
  const outputs = decision.outputs.map((placements) =>
    placements.map((placement, other) => (other < index ? placement : Replicate())),
  );
  const priced = priceStrategies(rule, call, { inputs, outputs }, index, mesh);
  const least = Math.min(...priced.map(({ cost }) => cost));
  const chosen = priced.findIndex(({ cost }) => cost === least);
  const candidates = priced.map(({ strategy, cost }, i) => ({
    inputs: strategy.inputs,
    outputs: strategy.outputs,
    cost,
    isChosen: i === chosen,
  }));
  return { axis, arriving: arriving.map((placements) => placements[index]!), candidates };
}

const NOTE =
  "> chosen, * this input must move; cost: bytes that a rank sends, and the latency of collectives as bytes; never: nothing becomes partial by itself\n";

/** The explanation as text: a table per axis with the chosen line marked, then what moves, and where the outputs are. */
export function formatKernel({ mesh, call, axes, moves, outputs }: KernelExplanation): string {
  const tables = axes.map((axis) => axisTable(axis, call, mesh));
  const moved = moves.flatMap((steps, i) =>
    steps.map(({ collective, group, bytesSentPerRank }) => {
      const bytes = Math.round(Math.max(...bytesSentPerRank));
      return `move ${call.inputs[i]!.name}: ${collective} along ${group}, ${bytes} bytes per rank\n`;
    }),
  );
  const results = outputs.map(({ shape, dtype, placements }) => {
    const placed = placements.map(
      (placement, axis) => `${mesh.axisNames[axis]!} ${formatPlacement(placement)}`,
    );
    return `output ${dtype}[${shape.join(", ")}]: ${placed.join(", ")}\n`;
  });
  return `${callText(call)} on ${formatMesh(mesh)}\n\n${tables.join("\n")}\n${[NOTE, ...moved, ...results].join("")}`;
}

function callText({ kernel, inputs }: KernelCall): string {
  return `${kernel}(${inputs.map(({ name, dtype, shape }) => `${name}: ${dtype}[${shape.join(", ")}]`).join(", ")})`;
}

function axisTable(
  { axis, arriving, candidates }: AxisExplanation,
  call: KernelCall,
  mesh: MeshGeometry,
): string {
  const numOutputs = candidates[0]!.outputs.length;
  const outputNames = numOutputs === 1 ? ["output"] : candidates[0]!.outputs.map((_, i) => `output ${i}`);
  const size = mesh.shape[mesh.axisNames.indexOf(axis)]!;
  const blank = outputNames.map(() => "");
  const rows = candidates.map(({ inputs, outputs, cost, isChosen }) => [
    isChosen ? ">" : "",
    ...inputs.map(
      (placement, i) => (samePlacement(placement, arriving[i]!) ? "" : "* ") + formatPlacement(placement),
    ),
    ...outputs.map(formatPlacement),
    Number.isFinite(cost) ? String(Math.round(cost)) : "never",
  ]);
  return alignColumns(
    [
      [`${axis} (${size})`, ...call.inputs.map(({ name }) => name), ...outputNames, "cost"],
      ["arriving", ...arriving.map(formatPlacement), ...blank, ""],
      ...rows,
    ],
    { right: 1 },
  );
}
