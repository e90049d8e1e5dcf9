/**
 * A decided kernel call: where each input must be, how the kernel runs locally, where the outputs then are.
 *
 * @packageDocumentation
 */
import { ContractError, type ProcessGroup } from "@meshwright/core";
import { formatLayout, type Layout } from "../layout.ts";
import { formatMesh, type DeviceMesh } from "../mesh.ts";
import { Replicate } from "../placement.ts";
import { decide } from "../rules/plan.ts";
import { hasEmptyShard } from "../rules/empty-value.ts";
import type { KernelAttrs, KernelCall, Rule } from "../rules/rule.ts";
import type { LayoutTable, MeshLayout } from "./layout-table.ts";
import { placementsOn } from "./mover.ts";

/** Computed once per (kernel, attributes, input layouts), then reused. */
export interface KernelPlan {
  /** `undefined`: no input lives on a mesh, so the kernel runs alike on every rank. */
  readonly mesh: DeviceMesh | undefined;
  readonly rule: Rule | undefined;
  readonly call: KernelCall;
  /** Per input: the layout that it must be moved to, or `undefined` if it fits as it arrives. */
  readonly moves: readonly (MeshLayout | undefined)[];
  /** Whether any input moves. */
  readonly hasMoves: boolean;
  /** Layouts after the moves. */
  readonly inputs: readonly Layout[];
  /** `undefined` where only the kernel knows the shapes of its outputs; filled in once it has run if they recur. */
  outputs: readonly Layout[] | undefined;
  /** Whether every call with this plan has outputs of the same shapes. */
  readonly outputsRecur: boolean;
  /** Local attributes where they can be computed once. */
  readonly attrs: KernelAttrs | undefined;
  /** Whether the rule's local step runs in place of the plain kernel. */
  readonly runsLocal: boolean;
  /** The groups along the axes of `mesh`, where the rule communicates. */
  readonly groups: readonly ProcessGroup[];
  /** Whether the kernel is skipped because this rank's shard of an input is empty although the input is not. */
  readonly hasEmptyShard: boolean;
  /** Set once local results have been compared with what the rule says. */
  isChecked: boolean;
}

/** Decides how a kernel runs on inputs with these layouts. */
export function planKernel(
  kernel: string,
  rule: Rule | undefined,
  inputs: readonly { readonly name: string; readonly layout: Layout }[],
  attrs: KernelAttrs,
  layouts: LayoutTable,
): KernelPlan {
  const arriving = inputs.map((input) => input.layout);
  const call: KernelCall = {
    kernel,
    attrs,
    inputs: inputs.map(({ name, layout }) => ({ name, shape: layout.shape, dtype: layout.dtype })),
  };
  const mesh = commonMesh(kernel, arriving);
  const nothing = {
    call,
    moves: arriving.map(() => undefined),
    hasMoves: false,
    inputs: arriving,
    // The key of a rule's attributes tells calls with other outputs apart; without a rule there is no such key.
    outputsRecur: rule !== undefined,
    runsLocal: false,
    groups: [],
    hasEmptyShard: false,
    isChecked: false,
  };
  if (mesh === undefined) return { ...nothing, mesh, rule: undefined, outputs: undefined, attrs };
  if (rule === undefined) {
    const whole = mesh.shape.map(() => Replicate());
    const targets = arriving.map((layout) => layouts.on(mesh, layout.shape, layout.dtype, whole));
    const moves = movesTo(targets, arriving, mesh);
    return { ...nothing, ...{ mesh, rule, moves, hasMoves: moves.some(isMove), outputs: undefined, attrs } };
  }
  return planByRule(rule, call, arriving, mesh, layouts);
}

function planByRule(
  rule: Rule,
  call: KernelCall,
  arriving: readonly Layout[],
  mesh: DeviceMesh,
  layouts: LayoutTable,
): KernelPlan {
  const decision = decide(
    rule,
    call,
    arriving.map((layout) => placementsOn(layout, mesh)),
    mesh,
  );
  const inputs = arriving.map((layout, i) =>
    layouts.on(mesh, layout.shape, layout.dtype, decision.inputs[i]!),
  );
  const outputs = rule
    .outputs(call)
    .map((spec, i) => layouts.on(mesh, spec.shape, spec.dtype, decision.outputs[i]!));
  const isPlain = rule.local === undefined || rule.isPlain?.({ call, inputs, outputs, groups: [] }) === true;
  const communicates = rule.communicates === true && !isPlain;
  const groups = communicates ? mesh.axisNames.map((name) => mesh.group(name)) : [];
  const local = { call, inputs, outputs, groups };
  const moves = movesTo(inputs, arriving, mesh);
  return {
    mesh,
    rule,
    call,
    moves,
    hasMoves: moves.some(isMove),
    inputs,
    outputs,
    outputsRecur: true,
    attrs: rule.dynamicAttrs === true ? undefined : rule.localAttrs?.(local),
    runsLocal: !isPlain,
    groups,
    hasEmptyShard: !communicates && hasEmptyShard(inputs),
    isChecked: false,
  };
}

/** On an axis of one rank all placements are the same. */
function movesTo(
  targets: readonly MeshLayout[],
  arriving: readonly Layout[],
  mesh: DeviceMesh,
): (MeshLayout | undefined)[] {
  return targets.map((target, i) => {
    const from = placementsOn(arriving[i]!, mesh);
    const same = target.placements.every(
      (placement, axis) => mesh.shape[axis] === 1 || placementEquals(placement, from[axis]!),
    );
    return same ? undefined : target;
  });
}

function isMove(target: MeshLayout | undefined): boolean {
  return target !== undefined;
}

function placementEquals(a: MeshLayout["placements"][number], b: MeshLayout["placements"][number]): boolean {
  if (a.kind === "shard" && b.kind === "shard") return a.dim === b.dim;
  if (a.kind === "partial" && b.kind === "partial") return a.op === b.op;
  return a.kind === b.kind;
}

/** The mesh that the inputs live on. @throws ContractError if they live on two. */
function commonMesh(kernel: string, layouts: readonly Layout[]): DeviceMesh | undefined {
  let first: Layout | undefined;
  for (const layout of layouts) {
    if (layout.mesh === undefined) continue;
    if (first === undefined) first = layout;
    else if (first.mesh !== layout.mesh) {
      throw new ContractError(
        `${kernel}: inputs (${formatLayout(first)} on ${formatMesh(first.mesh!)} and ${formatLayout(layout)} on ${formatMesh(layout.mesh)}) must share one mesh; use ${meshFix(first.mesh!, layout.mesh)}.`,
      );
    }
  }
  return (first as MeshLayout | undefined)?.mesh;
}

function meshFix(...meshes: readonly object[]): string {
  return meshes.some((mesh) => "outer" in mesh)
    ? "the local tensors that localMap gives, and pass whatever else is needed as an input"
    : "createMesh once and pass it on, or fromLocal(toLocal(full(t)), mesh, { ... }) to copy a tensor over";
}
