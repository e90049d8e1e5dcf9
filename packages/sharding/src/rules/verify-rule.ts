/**
 * Checks a rule against the plain kernel, without threads: every rank is played in turn.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { MeshGeometry } from "../mesh.ts";
import { formatPlacement, Replicate, type PartialOp, type Placement } from "../placement.ts";
import { formatSpec, seededRandom, type DenseValue, type Random } from "./dense-value.ts";
import { axisContext, decide, mixesPartials, type Decision } from "./plan.ts";
import type { AxisStrategy, Rule, TensorSpec } from "./rule.ts";
import { runDense, simulateRanks, type DenseCall } from "./simulate-ranks.ts";

/** How a rule is checked. */
export interface VerifyRuleOptions {
  /** Names and sizes of the axes; any number of ranks. */
  readonly mesh: MeshGeometry;
  /** Allowed difference, absolute below 1 and relative above. Default 1e-5, for sums in another order. */
  readonly tolerance?: number;
  /** Decides how partial inputs are split at random. Default 1. */
  readonly seed?: number;
}

/**
 * Runs every combination of strategies that `rule` lists for the axes of the mesh, and compares with the plain kernel on
 * the whole inputs. The kernel runs on the tfjs backend that is set.
 *
 * | checked                  | by                                                     |
 * | ------------------------ | ------------------------------------------------------ |
 * | outputs                  | shape, dtype and every element                         |
 * | shapes on each rank      | the output placements                                  |
 * | replicas                 | equal bits                                             |
 * | partial inputs           | random summands or candidates                          |
 *
 * @returns what was tried, "everything replicated" included.
 * @throws ContractError at the first difference, with the strategies, the element and both values.
 * @example
 * ```ts
 * const x = { name: "x", shape: [5, 3], dtype: "float32", values: Float32Array.from({ length: 15 }, Math.random) };
 * verifyRule(swish, { kernel: "Swish", inputs: [x], attrs: {} }, { mesh: { axisNames: ["tp"], shape: [2] } });
 * ```
 */
export function verifyRule(rule: Rule, call: DenseCall, options: VerifyRuleOptions): Decision[] {
  const check = checker(rule, call, options);
  const start: Decision = { inputs: call.inputs.map(() => []), outputs: rule.outputs(call).map(() => []) };
  const decisions = allDecisions(rule, call, options.mesh, start);
  decisions.forEach(check);
  return decisions;
}

/**
 * Like `verifyRule`, for the one way that the planner takes when the inputs arrive as given: `arriving[i][axis]`.
 *
 * @throws ContractError at the first difference.
 */
export function verifyDecision(
  rule: Rule,
  call: DenseCall,
  arriving: readonly (readonly Placement[])[],
  options: VerifyRuleOptions,
): Decision {
  const decision = decide(rule, call, arriving, options.mesh);
  checker(rule, call, options)(decision);
  return decision;
}

function checker(rule: Rule, call: DenseCall, options: VerifyRuleOptions): (decision: Decision) => void {
  const { mesh, tolerance = 1e-5, seed = 1 } = options;
  const dense = runDense(call);
  const random = seededRandom(seed);
  requireSame(call.kernel, "the rule's outputs", rule.outputs(call), dense);
  return (decision) => {
    compare(rule, call, mesh, decision, { dense, tolerance, random });
  };
}

function compare(
  rule: Rule,
  call: DenseCall,
  mesh: MeshGeometry,
  decision: Decision,
  expected: { dense: readonly DenseValue[]; tolerance: number; random: Random },
): void {
  const where = `verifyRule: ${call.kernel} (${formatDecision(call, decision, mesh)})`;
  let found: DenseValue[];
  try {
    found = simulateRanks(rule, call, mesh, decision, expected.random);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new ContractError(`${where}: ${what}; correct the strategy.`, { cause });
  }
  found.forEach((output, i) => {
    const { values } = expected.dense[i]!;
    for (let at = 0; at < values.length; at++) {
      if (isClose(output.values[at]!, values[at]!, expected.tolerance)) continue;
      throw new ContractError(
        `${where}: output ${i} element ${at} (${output.values[at]!}) must equal the plain kernel's (${values[at]!}); correct the strategy.`,
      );
    }
  });
}

function isClose(a: number, b: number, tolerance: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));
}

/** Axis by axis, as the planner goes: each strategy of an axis with all those of the axes before it. */
function allDecisions(rule: Rule, call: DenseCall, mesh: MeshGeometry, start: Decision): Decision[] {
  return mesh.shape.reduce<Decision[]>(
    (begun, _, axis) =>
      begun.flatMap((decision) =>
        strategiesAfter(rule, call, mesh, decision, axis)
          .filter((strategy) => !mixesPartials(strategy, decision.outputs))
          .map((strategy) => extend(decision, strategy))
          .filter((extended) => canArise(call, extended)),
      ),
    [start],
  );
}

function strategiesAfter(
  rule: Rule,
  call: DenseCall,
  mesh: MeshGeometry,
  decision: Decision,
  axis: number,
): AxisStrategy[] {
  const replicated = {
    inputs: decision.inputs.map(() => Replicate()),
    outputs: decision.outputs.map(() => Replicate()),
  };
  const listed = rule.strategies(call, axisContext(decision.inputs, axis, mesh));
  for (const strategy of listed) {
    requireFits(call, "input", strategy.inputs, call.inputs);
    requireFits(call, "output", strategy.outputs, rule.outputs(call));
  }
  return [replicated, ...listed];
}

function extend(decision: Decision, strategy: AxisStrategy): Decision {
  return {
    inputs: decision.inputs.map((placements, i) => [...placements, strategy.inputs[i]!]),
    outputs: decision.outputs.map((placements, i) => [...placements, strategy.outputs[i]!]),
  };
}

/** Sums of bools do not exist, and no kernel makes a tensor partial in two ways. */
function canArise(call: DenseCall, decision: Decision): boolean {
  return decision.inputs.every((placements, i) => {
    const ops = new Set(placements.flatMap((p): PartialOp[] => (p.kind === "partial" ? [p.op] : [])));
    return ops.size <= 1 && !(ops.has("sum") && call.inputs[i]!.dtype === "bool");
  });
}

function requireFits(
  call: DenseCall,
  what: "input" | "output",
  placements: readonly Placement[],
  specs: readonly TensorSpec[],
): void {
  if (placements.length !== specs.length) {
    throw new ContractError(
      `verifyRule: ${call.kernel}: a strategy's ${what} placements (${placements.length}) must be one per ${what} (${specs.length}); use Replicate() for ${what}s that stay whole.`,
    );
  }
  placements.forEach((placement, i) => {
    const ndim = specs[i]!.shape.length;
    if (placement.kind !== "shard" || (placement.dim >= 0 && placement.dim < ndim)) return;
    throw new ContractError(
      `verifyRule: ${call.kernel}: the placement of ${what} ${i} (${formatPlacement(placement)}) must split one of its ${ndim} dims; use a dim counted from the front.`,
    );
  });
}

function requireSame(
  kernel: string,
  what: string,
  found: readonly TensorSpec[],
  dense: readonly TensorSpec[],
): void {
  const [given, expected] = [found, dense].map((specs) => specs.map(formatSpec).join(", ")) as [
    string,
    string,
  ];
  if (given === expected) return;
  throw new ContractError(
    `verifyRule: ${kernel}: ${what} (${given}) must be those of the plain kernel (${expected}); correct outputs().`,
  );
}

function formatDecision(call: DenseCall, decision: Decision, mesh: MeshGeometry): string {
  return mesh.axisNames
    .map((name, axis) => {
      const inputs = call.inputs.map(
        (input, i) => `${input.name} ${formatPlacement(decision.inputs[i]![axis]!)}`,
      );
      const outputs = decision.outputs.map((placements) => formatPlacement(placements[axis]!));
      return `${name}: ${inputs.join(", ")} -> ${outputs.join(", ")}`;
    })
    .join("; ");
}
