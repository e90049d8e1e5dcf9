/**
 * What the sharded backend holds per data id: a layout and this rank's local tensor, reference-counted as tfjs does.
 *
 * @packageDocumentation
 */
import { InternalError } from "@meshwright/core";
import { util, type DataId, type TensorInfo } from "@tensorflow/tfjs";
import { numElements, type Layout } from "../layout.ts";
import type { EngineDoor } from "./engine-door.ts";
import type { MeshLayout } from "./layout-table.ts";

/** Engine data, which several records may share (reshape makes a new record of the same data). */
interface EngineData {
  owners: number;
  readonly bytes: number;
}

/**
 * One record; it serves as tfjs' data id itself, so that finding it costs nothing.
 *
 * `layout` and `local` change together when a partial value is reduced in place.
 */
export class ShardRecord {
  layout: Layout;
  local: TensorInfo;
  references: number;
  data: EngineData;
  /** The layout in which kernels see the value, where it is kept in another one (a parameter under ZeRO-3). */
  usedAs: MeshLayout | undefined = undefined;
  /** Tensors that a program kept may outlive the backend of their run; the next run's adopts them. */
  readonly store: ShardStore;

  constructor(store: ShardStore, layout: Layout, local: TensorInfo, references: number, data: EngineData) {
    this.store = store;
    this.layout = layout;
    this.local = local;
    this.references = references;
    this.data = data;
  }
}

/** Owns all local tensors of a backend, and counts their bytes. */
export class ShardStore {
  /** Records of tensors that came from other backends, which bring their own data ids. */
  readonly #adopted = new WeakMap<DataId, ShardRecord>();
  readonly #door: EngineDoor;
  #numRecords = 0;
  #liveBytes = 0;

  constructor(door: EngineDoor) {
    this.#door = door;
  }

  /** Number of data ids. */
  get size(): number {
    return this.#numRecords;
  }

  /** Bytes that this rank holds. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  find(dataId: DataId): ShardRecord | undefined {
    return dataId instanceof ShardRecord && dataId.store === this ? dataId : this.#adopted.get(dataId);
  }

  /**
   * A new record. Takes ownership of `local`; `sharedWith` are records whose data it may be (a view's input).
   */
  add(layout: Layout, local: TensorInfo, sharedWith: readonly ShardRecord[] = []): ShardRecord {
    this.#numRecords++;
    return new ShardRecord(this, layout, local, 1, this.#own(local, sharedWith));
  }

  /** A record under another backend's data id. Takes ownership of `local`. */
  adopt(dataId: DataId, layout: Layout, local: TensorInfo, references: number): void {
    this.#numRecords++;
    this.#adopted.set(dataId, new ShardRecord(this, layout, local, references, this.#own(local, [])));
  }

  /** Replaces a record's value by an equal one in another layout. Takes ownership of `local`. */
  replace(record: ShardRecord, layout: Layout, local: TensorInfo): void {
    const data = this.#own(local, [record]);
    this.#disown(record);
    record.layout = layout;
    record.local = local;
    record.data = data;
  }

  /** Drops one reference (all, if `force`). Returns whether the data is gone. */
  release(dataId: DataId, force: boolean): boolean {
    const record = this.find(dataId);
    if (record === undefined || record.references <= 0) return true;
    record.references--;
    if (!force && record.references > 0) return false;
    record.references = 0;
    if (record !== dataId) this.#adopted.delete(dataId);
    this.#numRecords--;
    this.#disown(record);
    return true;
  }

  #own(local: TensorInfo, sharedWith: readonly ShardRecord[]): EngineData {
    for (const record of sharedWith) {
      if (record.local.dataId === local.dataId) {
        record.data.owners++;
        return record.data;
      }
    }
    const bytes = local.dtype === "string" ? 0 : numElements(local.shape) * util.bytesPerElement(local.dtype);
    this.#liveBytes += bytes;
    return { owners: 1, bytes };
  }

  #disown(record: ShardRecord): void {
    const { data, local } = record;
    if (data.owners <= 0) throw new InternalError("a local tensor was released twice");
    if (--data.owners === 0) this.#liveBytes -= data.bytes;
    this.#door.dispose(local);
  }
}
