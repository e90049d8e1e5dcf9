/**
 * The tfjs backend `sharded`: tensors have global shapes, data lies split over the ranks of a mesh.
 *
 * ```
 *   tf.matMul(x, w) -> engine().runKernel("BatchMatMul") -> ShardedBackend
 *        plan (rule, layouts) -> move inputs (collectives) -> engine kernel on local shards -> global-shape tensor
 * ```
 *
 * @packageDocumentation
 */
import type { World } from "@meshwright/core";
import {
  KernelBackend,
  util,
  type backend_util,
  type DataId,
  type DataType,
  type TensorInfo,
} from "@tensorflow/tfjs";
import { Replicate, type Placement } from "../placement.ts";
import type { DeviceMesh } from "../mesh.ts";
import type { KernelAttrs, Rule } from "../rules/rule.ts";
import { createRuleTable, type RuleTable } from "../rules/registry.ts";
import { EngineDoor, moveDataTo, type KernelInputs } from "./engine-door.ts";
import { KernelExecutor, type FallbackReport } from "./kernel-executor.ts";
import { LayoutTable, type MeshLayout } from "./layout-table.ts";
import { moveLocal, onlyReduces } from "./mover.ts";
import { ReplicaCheck } from "./replica-check.ts";
import { ShardRecord, ShardStore } from "./shard-store.ts";

/** The name under which tfjs knows the backend. */
export const SHARDED = "sharded";

/** tfjs demands the base class; everything below it is composed. */
export class ShardedBackend extends KernelBackend {
  readonly door: EngineDoor;
  readonly layouts = new LayoutTable();
  /** Checkpoints that are being written, by their folder: the next save of a folder waits for the one before. */
  readonly unfinishedSaves = new Map<string, { finished(): Promise<unknown> }>();
  readonly #store: ShardStore;
  readonly #executor: KernelExecutor;
  readonly #replicaCheck: ReplicaCheck | undefined;
  readonly #fallbacks = new Map<string, FallbackReport>();
  /** Interned like layouts, because tensors of two meshes do not mix. */
  readonly #subMeshes = new Map<object, Map<string, DeviceMesh>>();
  #ruleList: readonly Rule[];
  #rules: RuleTable;

  constructor(
    readonly world: World,
    rules: readonly Rule[],
    readonly onFirstFallback: (report: FallbackReport) => void,
  ) {
    super();
    this.door = new EngineDoor(world.engine);
    this.#store = new ShardStore(this.door);
    this.#replicaCheck = world.checked && world.size > 1 ? new ReplicaCheck(world, this.door) : undefined;
    this.#ruleList = rules;
    this.#rules = createRuleTable(rules);
    this.#executor = new KernelExecutor({
      door: this.door,
      store: this.#store,
      layouts: this.layouts,
      recordOf: (info) => this.recordOf(info),
      ruleOf: (kernel) => this.#rules.lookup(kernel),
      onFallback: (report) => {
        this.#noteFallback(report);
      },
    });
  }

  /** Runs a kernel; called by tfjs for every operation. */
  execute(kernel: string, inputs: KernelInputs, attrs: KernelAttrs): TensorInfo | TensorInfo[] {
    const outputs = this.#executor.execute(kernel, inputs, attrs);
    if (this.#replicaCheck !== undefined) for (const output of outputs) this.#check(output, kernel);
    return outputs.length === 1 && !this.door.returnsList(kernel) ? outputs[0]! : outputs;
  }

  /** Adds rules that win over the present ones. */
  addRules(rules: readonly Rule[]): void {
    this.#ruleList = [...this.#ruleList, ...rules];
    this.#rules = createRuleTable(this.#ruleList);
    this.#executor.forgetPlans();
  }

  /** The mesh without an axis; built on first use. */
  subMesh(mesh: object, without: string, build: () => DeviceMesh): DeviceMesh {
    const ofMesh = this.#subMeshes.get(mesh) ?? new Map<string, DeviceMesh>();
    this.#subMeshes.set(mesh, ofMesh);
    const found = ofMesh.get(without) ?? build();
    ofMesh.set(without, found);
    return found;
  }

  /** Checked mode compares values on no mesh only among `ranks` from now on. */
  narrowReplicaCheck(ranks: readonly number[]): void {
    this.#replicaCheck?.narrow(ranks);
  }

  /** In checked mode, compares an output of a kernel that does not go through `execute`. */
  checkReplicas(output: TensorInfo, kernel: string): void {
    if (this.#replicaCheck !== undefined) this.#check(output, kernel);
  }

  /** Whether checked mode compares anything. */
  get isChecked(): boolean {
    return this.#replicaCheck !== undefined;
  }

  /** Runs local code: checked mode does not compare what ranks make of their own values. */
  runUnchecked<R>(body: () => R): R {
    return this.#replicaCheck === undefined ? body() : this.#replicaCheck.suspend(body);
  }

  /** Kernels that ran replicated for want of a rule, with the bytes that it cost so far. */
  get fallbacks(): readonly FallbackReport[] {
    return [...this.#fallbacks.values()];
  }

  /** Bytes of all tensors on this rank. */
  get liveBytes(): number {
    return this.#store.liveBytes;
  }

  /** The record behind a tensor. A tensor of another backend is adopted as a value that is the same on every rank. */
  recordOf(info: TensorInfo): ShardRecord {
    const record = this.#findOrAdopt(info.dataId);
    if (record.layout.mesh !== undefined || sameShape(record.layout.shape, info.shape)) return record;
    // Tensors of other backends may share data under several shapes; on this backend each has its own record.
    const layout = this.layouts.everywhere(info.shape, info.dtype);
    return new ShardRecord(
      this.#store,
      layout,
      { ...record.local, shape: info.shape },
      record.references,
      record.data,
    );
  }

  /** A tensor made of this rank's part. Takes ownership of `local`. */
  wrap(
    mesh: DeviceMesh,
    shape: readonly number[],
    placements: readonly Placement[],
    local: TensorInfo,
  ): TensorInfo {
    const layout = this.layouts.on(mesh, shape, local.dtype, placements);
    return { dataId: this.#store.add(layout, local), shape: [...shape], dtype: local.dtype };
  }

  /** This rank's data as a tensor of another layout with as many local elements, without a copy. */
  viewAs(x: TensorInfo, layout: MeshLayout): TensorInfo {
    const record = this.recordOf(x);
    const local = this.door.reshape(record.local, layout.localShape);
    return {
      dataId: this.#store.add(layout, local, [record]),
      shape: [...layout.shape],
      dtype: layout.dtype,
    };
  }

  /** Replaces a value by an equal one in another layout, in place. Takes ownership of `local`. */
  replace(record: ShardRecord, layout: MeshLayout, local: TensorInfo): void {
    this.#store.replace(record, layout, local);
  }

  /**
   * The same value in another layout; the kernel behind `redistribute`. If all that changes is that partial values are
   * reduced, `x` itself is reduced, as it would be by a kernel that needs it: a second reader does not pay again, and the
   * two share one local tensor.
   */
  redistribute(x: TensorInfo, target: MeshLayout): TensorInfo {
    const record = this.recordOf(x);
    const moved = moveLocal(record.local, record.layout, target, this.door);
    const isForGood = onlyReduces(record.layout, target);
    if (isForGood) this.#store.replace(record, target, moved);
    const local = isForGood ? this.door.share(moved) : moved;
    return {
      dataId: this.#store.add(target, local, [record]),
      shape: [...target.shape],
      dtype: target.dtype,
    };
  }

  override write(values: backend_util.BackendValues, shape: number[], dtype: DataType): DataId {
    const record = this.#store.add(
      this.layouts.everywhere(shape, dtype),
      this.door.write(values, shape, dtype),
    );
    this.#replicaCheck?.check(record, "a tensor made from values");
    return record;
  }

  override move(
    dataId: DataId,
    values: backend_util.BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    const local = this.door.write(values, shape, dtype);
    this.#store.adopt(dataId, this.layouts.everywhere(shape, dtype), local, refCount);
  }

  /** The whole value. A collective unless every rank already holds it. */
  override readSync(dataId: DataId): backend_util.BackendValues {
    const record = this.#store.find(dataId)!;
    const { mesh, placements, shape, dtype } = record.layout;
    if (mesh === undefined || placements.every((placement) => placement.kind === "replicate")) {
      return this.door.read(record.local);
    }
    const whole = this.layouts.on(
      mesh as DeviceMesh,
      shape,
      dtype,
      placements.map(() => Replicate()),
    );
    const local = moveLocal(record.local, record.layout, whole, this.door);
    if (placements.some((placement) => placement.kind === "partial")) {
      this.#store.replace(record, whole, local);
      return this.door.read(local);
    }
    const values = this.door.read(local);
    this.door.dispose(local);
    return values;
  }

  override read(dataId: DataId): Promise<backend_util.BackendValues> {
    return Promise.resolve(this.readSync(dataId));
  }

  override incRef(dataId: DataId): void {
    this.#findOrAdopt(dataId).references++;
  }

  override refCount(dataId: DataId): number {
    return this.#store.find(dataId)?.references ?? 0;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    return this.#store.release(dataId, force);
  }

  override numDataIds(): number {
    return this.#store.size;
  }

  override async time(body: () => void): Promise<{ kernelMs: number }> {
    const start = util.now();
    body();
    return Promise.resolve({ kernelMs: util.now() - start });
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: false, reasons: [] };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override dispose(): void {
    // Tensors are disposed by their owners; the engine below stays.
  }

  #findOrAdopt(dataId: DataId): ShardRecord {
    let record = this.#store.find(dataId);
    if (record === undefined) {
      moveDataTo(this, dataId);
      record = this.#store.find(dataId)!;
    }
    return record;
  }

  #check(output: TensorInfo, kernel: string): void {
    const record = this.#store.find(output.dataId);
    if (record !== undefined) this.#replicaCheck?.check(record, `output of ${kernel}`);
  }

  #noteFallback(report: FallbackReport): void {
    const known = this.#fallbacks.get(report.kernel);
    if (known === undefined) this.onFirstFallback(report);
    this.#fallbacks.set(report.kernel, {
      kernel: report.kernel,
      bytesSent: (known?.bytesSent ?? 0) + report.bytesSent,
    });
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let dim = 0; dim < a.length; dim++) if (a[dim] !== b[dim]) return false;
  return true;
}
