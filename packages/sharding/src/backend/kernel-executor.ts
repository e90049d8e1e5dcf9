/**
 * Runs one tfjs kernel on sharded tensors: look up the plan, move inputs, run locally, wrap the outputs.
 *
 * @packageDocumentation
 */
import { InternalError } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import { numElements, type Layout } from "../layout.ts";
import { emptyElement } from "../rules/empty-value.ts";
import type { KernelAttrs, KernelCall, LocalKernels, Rule } from "../rules/rule.ts";
import type { EngineDoor, KernelInputs } from "./engine-door.ts";
import { planKernel, type KernelPlan } from "./kernel-plan.ts";
import type { LayoutTable, MeshLayout } from "./layout-table.ts";
import { moveLocal, predictMoveBytes } from "./mover.ts";
import { gatherKept, shareKept } from "./kept-split.ts";
import { PlanNode } from "./plan-cache.ts";
import { Replicate } from "../placement.ts";
import type { ShardRecord, ShardStore } from "./shard-store.ts";

/** A kernel without a rule ran replicated and had to gather its inputs. */
export interface FallbackReport {
  readonly kernel: string;
  /** Bytes that this rank sent to make the inputs whole. */
  readonly bytesSent: number;
}

/** What the executor works with. */
export interface ExecutorParts {
  readonly door: EngineDoor;
  readonly store: ShardStore;
  readonly layouts: LayoutTable;
  /** The record of a data id; adopts tensors of other backends. */
  readonly recordOf: (info: TensorInfo) => ShardRecord;
  readonly ruleOf: (kernel: string) => Rule | undefined;
  readonly onFallback: (report: FallbackReport) => void;
}

interface KernelEntry {
  readonly rule: Rule | undefined;
  readonly plans: PlanNode;
}

/**
 * Executes kernels, with a cache of plans per kernel.
 *
 * Everything between `execute` and the engine runs once per operation, so it builds no keys, and no closures.
 */
export class KernelExecutor {
  readonly #parts: ExecutorParts;
  readonly #entries = new Map<string, KernelEntry>();
  readonly #localKernels: LocalKernels;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#localKernels = {
      run: (kernel, inputs, attrs) => parts.door.run(kernel, inputs, attrs ?? {}),
      dispose: (info) => {
        parts.door.dispose(info);
      },
      view: (info) => parts.door.engine.view(info),
      create: (shape, dtype, fill) => parts.door.engine.create(shape, dtype, fill),
    };
  }

  /** Forgets cached plans: rules changed. */
  forgetPlans(): void {
    this.#entries.clear();
  }

  /** The kernel's outputs in the global view; list or single, as the kernel itself returns them. */
  execute(kernel: string, inputs: KernelInputs, attrs: KernelAttrs): TensorInfo[] {
    const entry = this.#entryOf(kernel);
    const records: ShardRecord[] = [];
    let node = entry.rule === undefined ? entry.plans : entry.plans.after(attrsKeyOf(entry.rule, attrs));
    const named = inputs as Readonly<Record<string, TensorInfo | null | undefined>>;
    for (const name in named) {
      const info = named[name];
      if (info === undefined || info === null) {
        node = node.afterAbsent();
        continue;
      }
      const record = this.#parts.recordOf(info);
      if (record.usedAs !== undefined) return this.#executeGathered(kernel, inputs, attrs);
      records.push(record);
      node = node.after(record.layout.id);
    }
    const plan = (node.plan ??= this.#plan(kernel, entry.rule, named, attrs));
    return plan.hasMoves
      ? this.#runMoved(plan, records, attrs, inputs)
      : this.#wrap(plan, this.#runLocally(plan, localsOf(records), attrs, inputs), records);
  }

  /** Some inputs are kept in another layout than the one in which kernels see them. */
  #executeGathered(kernel: string, inputs: KernelInputs, attrs: KernelAttrs): TensorInfo[] {
    if (kernel === "Identity") return [shareKept((inputs as Record<"x", TensorInfo>).x, this.#parts)];
    const gathered = gatherKept(kernel, inputs, this.#parts);
    try {
      return this.execute(kernel, gathered.inputs, attrs);
    } finally {
      gathered.release();
    }
  }

  #plan(
    kernel: string,
    rule: Rule | undefined,
    inputs: Readonly<Record<string, TensorInfo | null | undefined>>,
    attrs: KernelAttrs,
  ): KernelPlan {
    const { layouts, recordOf } = this.#parts;
    const arriving = Object.entries(inputs).flatMap(([name, info]) =>
      info === undefined || info === null ? [] : [{ name, layout: recordOf(info).layout }],
    );
    return planKernel(kernel, rule, arriving, attrs, layouts);
  }

  #runMoved(
    plan: KernelPlan,
    records: readonly ShardRecord[],
    attrs: KernelAttrs,
    inputs: KernelInputs,
  ): TensorInfo[] {
    const { door } = this.#parts;
    if (plan.rule === undefined) this.#reportFallback(plan, records);
    const temporaries: TensorInfo[] = [];
    try {
      const locals = records.map((record, i) => {
        const target = plan.moves[i];
        return target === undefined || record.layout === target
          ? record.local
          : this.#move(record, target, temporaries, isWantedOnlyAs(target, record, plan, records));
      });
      return this.#wrap(plan, this.#runLocally(plan, locals, attrs, inputs), records);
    } finally {
      for (const info of temporaries) door.dispose(info);
    }
  }

  /**
   * A partial value that has to be reduced is reduced for good: its record changes in place, so that a second consumer
   * does not pay again. Other moves are temporary, and so is the reduction of a value that is also wanted as it is:
   * `matMul(p, p)` may multiply the partial value by the whole one.
   */
  #move(
    record: ShardRecord,
    target: MeshLayout,
    temporaries: TensorInfo[],
    isWantedOnlySo: boolean,
  ): TensorInfo {
    const { door, store } = this.#parts;
    const moved = moveLocal(record.local, record.layout, target, door);
    if (isWantedOnlySo && isReduction(record.layout, target)) {
      store.replace(record, target, moved);
    } else temporaries.push(moved);
    return moved;
  }

  #runLocally(
    plan: KernelPlan,
    locals: readonly TensorInfo[],
    attrs: KernelAttrs,
    inputs: KernelInputs,
  ): TensorInfo[] {
    const { door } = this.#parts;
    const { rule, call } = plan;
    if (rule === undefined) return door.run(call.kernel, asInputs(call, locals, inputs), attrs);
    const outputs = plan.outputs!;
    if (plan.hasEmptyShard) return this.#fillEmpty(rule, outputs);
    if (rule.isReshape === true) return [door.reshape(locals[0]!, outputs[0]!.localShape)];
    if (plan.runsLocal) {
      return rule.local!(this.#localKernels, locals, {
        call: { ...call, attrs },
        inputs: plan.inputs,
        outputs,
        groups: plan.groups,
      });
    }
    const localAttrs =
      plan.attrs ??
      rule.localAttrs?.({ call: { ...call, attrs }, inputs: plan.inputs, outputs, groups: plan.groups }) ??
      attrs;
    return door.run(call.kernel, asInputs(call, locals, inputs), localAttrs);
  }

  #fillEmpty(rule: Rule, outputs: readonly Layout[]): TensorInfo[] {
    return outputs.map((layout) => {
      const value = emptyElement(rule, layout.dtype);
      return this.#parts.door.engine.create(layout.localShape, layout.dtype, (out) => out.fill(value));
    });
  }

  #wrap(plan: KernelPlan, locals: readonly TensorInfo[], records: readonly ShardRecord[]): TensorInfo[] {
    const { store } = this.#parts;
    const outputs = plan.outputs ?? locals.map((local) => this.#layoutOfWhole(plan, local));
    if (!plan.isChecked) {
      locals.forEach((local, i) => {
        checkLocal(plan, local, outputs[i]!);
      });
      plan.isChecked = true;
      if (plan.outputsRecur) plan.outputs = outputs;
    }
    const wrapped: TensorInfo[] = [];
    for (let i = 0; i < locals.length; i++) {
      const layout = outputs[i]!;
      const dataId = store.add(layout, locals[i]!, records);
      // tfjs copies shapes into its tensors, so the layout's own can be handed out.
      wrapped.push({ dataId, shape: layout.shape as number[], dtype: layout.dtype });
    }
    return wrapped;
  }

  /** The layout of an output that every rank computed whole. */
  #layoutOfWhole(plan: KernelPlan, { shape, dtype }: TensorInfo): Layout {
    const { layouts } = this.#parts;
    if (plan.mesh === undefined) return layouts.everywhere(shape, dtype);
    return layouts.on(
      plan.mesh,
      shape,
      dtype,
      plan.mesh.shape.map(() => Replicate()),
    );
  }

  #reportFallback(plan: KernelPlan, records: readonly ShardRecord[]): void {
    let bytesSent = 0;
    plan.moves.forEach((target, i) => {
      if (target !== undefined) bytesSent += predictMoveBytes(records[i]!.layout, target);
    });
    if (bytesSent > 0) this.#parts.onFallback({ kernel: plan.call.kernel, bytesSent });
  }

  #entryOf(kernel: string): KernelEntry {
    let entry = this.#entries.get(kernel);
    if (entry === undefined) {
      entry = { rule: this.#parts.ruleOf(kernel), plans: new PlanNode() };
      this.#entries.set(kernel, entry);
    }
    return entry;
  }
}

/** Whether all inputs that are this record go to the same layout. */
function isWantedOnlyAs(
  target: MeshLayout,
  record: ShardRecord,
  plan: KernelPlan,
  records: readonly ShardRecord[],
): boolean {
  return records.every((other, i) => other !== record || plan.moves[i] === target);
}

/** Whether the move reduces a partial value, and makes nothing partial. */
function isReduction(from: Layout, to: MeshLayout): boolean {
  const isPartial = (layout: Layout, axis: number): boolean => layout.placements[axis]?.kind === "partial";
  const axes = to.placements.map((_, axis) => axis);
  return (
    axes.some((axis) => isPartial(from, axis)) &&
    axes.every((axis) => isPartial(from, axis) || !isPartial(to, axis))
  );
}

function attrsKeyOf(rule: Rule, attrs: KernelAttrs): string {
  return rule.attrsKey === undefined ? JSON.stringify(attrs) : rule.attrsKey(attrs);
}

function localsOf(records: readonly ShardRecord[]): TensorInfo[] {
  const locals: TensorInfo[] = [];
  for (const record of records) locals.push(record.local);
  return locals;
}

/** The local tensors under the names that the call's inputs have. */
function asInputs(call: KernelCall, locals: readonly TensorInfo[], inputs: KernelInputs): KernelInputs {
  if (Array.isArray(inputs)) return locals;
  const named: Record<string, TensorInfo> = {};
  for (let i = 0; i < locals.length; i++) named[call.inputs[i]!.name] = locals[i]!;
  return named;
}

/** A local result of another size than the layout says would corrupt everything after it. */
function checkLocal(plan: KernelPlan, local: TensorInfo, layout: Layout): void {
  if (numElements(local.shape) === numElements(layout.localShape) && local.dtype === layout.dtype) return;
  throw new InternalError(
    `${plan.call.kernel}: the local result is ${local.dtype}[${local.shape.join(", ")}], but its rule says ${layout.dtype}[${layout.localShape.join(", ")}]`,
  );
}
