/**
 * Values that are kept in one layout and used in another: parameters under ZeRO-3, split at rest and whole in use.
 *
 * ```
 *   at rest    rank 0 [####    ]      rank 1 [    ####]
 *   kernel     all-gather -> [########] -> kernel -> freed
 * ```
 *
 * What a kernel saves for its gradient is a clone (`Identity`), which stays split too: the backward pass gathers again.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { EngineDoor, KernelInputs } from "./engine-door.ts";
import { moveLocal } from "./mover.ts";
import type { ShardRecord, ShardStore } from "./shard-store.ts";

/** Inputs, as kernel and name, of which a kernel reads shape and layout alone: they are not gathered. */
const UNREAD: ReadonlySet<string> = new Set(["EmbeddingLookupGrad table"]);

/** What it works with. */
interface Parts {
  readonly door: EngineDoor;
  readonly store: ShardStore;
  readonly recordOf: (info: TensorInfo) => ShardRecord;
}

/** A kernel's inputs with temporary records in place of those that are kept split. */
export interface GatheredInputs {
  readonly inputs: KernelInputs;
  /** Frees the temporary records. */
  release(): void;
}

/** A clone that is kept and used like the original. No communication. */
export function shareKept(x: TensorInfo, { door, store, recordOf }: Parts): TensorInfo {
  const record = recordOf(x);
  const clone = store.add(record.layout, door.share(record.local), [record]);
  clone.usedAs = record.usedAs;
  return { dataId: clone, shape: x.shape, dtype: x.dtype };
}

/** Moves the inputs that are kept in another layout to the one of their use: a collective for each that is read. */
export function gatherKept(kernel: string, inputs: KernelInputs, parts: Parts): GatheredInputs {
  const temporary = new Map<ShardRecord, ShardRecord>();
  const release = (): void => {
    for (const record of temporary.values()) parts.store.release(record, true);
  };
  const gather = (name: string, info: TensorInfo | null | undefined): TensorInfo | null | undefined => {
    if (info === null || info === undefined) return info;
    const record = parts.recordOf(info);
    if (record.usedAs === undefined) return info;
    const isRead = !UNREAD.has(`${kernel} ${name}`);
    const dataId = temporary.get(record) ?? (isRead ? gathered(record, parts) : standIn(record, parts));
    temporary.set(record, dataId);
    return { dataId, shape: info.shape, dtype: info.dtype };
  };
  try {
    const isList = Array.isArray(inputs);
    const entries = Object.entries(inputs).map(([name, info]) => [name, gather(name, info)] as const);
    const moved = isList ? entries.map(([, info]) => info) : Object.fromEntries(entries);
    return { inputs: moved as KernelInputs, release };
  } catch (error) {
    release();
    throw error;
  }
}

function gathered(record: ShardRecord, { door, store }: Parts): ShardRecord {
  const layout = record.usedAs!;
  return store.add(layout, moveLocal(record.local, record.layout, layout, door), [record]);
}

/** Memory of the right shape, whose elements nobody reads. */
function standIn({ usedAs }: ShardRecord, { door, store }: Parts): ShardRecord {
  const layout = usedAs!;
  return store.add(layout, door.engine.create(layout.localShape, layout.dtype));
}
