/**
 * Checked mode: compares what is meant to be the same on several ranks, and names the first tensor that is not.
 *
 * @packageDocumentation
 */
import type { NumericArray, ProcessGroup, World } from "@meshwright/core";
import { formatLayout } from "../layout.ts";
import type { DeviceMesh } from "../mesh.ts";
import type { EngineDoor } from "./engine-door.ts";
import type { ShardRecord } from "./shard-store.ts";

/** A tensor that must hold the same bits on several ranks does not. All ranks of the group get it. */
export class ReplicaMismatchError extends Error {
  override readonly name = "ReplicaMismatchError";
}

/** Compares replicas of every new tensor across ranks, by hash. Its own groups keep the ledger's axes clean. */
export class ReplicaCheck {
  readonly #world: World;
  readonly #door: EngineDoor;
  readonly #groups = new Map<string, ProcessGroup>();
  /** World ranks that hold the same values on no mesh. */
  #scope: readonly number[];
  #isSuspended = false;

  constructor(world: World, door: EngineDoor) {
    this.#world = world;
    this.#door = door;
    this.#scope = world.group.ranks;
  }

  /** From now on, values on no mesh are compared only with those of `ranks`: the others run other operations. */
  narrow(ranks: readonly number[]): void {
    this.#scope = this.#scope.filter((rank) => ranks.includes(rank));
  }

  /** Compares nothing while `body` runs. */
  suspend<R>(body: () => R): R {
    const before = this.#isSuspended;
    this.#isSuspended = true;
    try {
      return body();
    } finally {
      this.#isSuspended = before;
    }
  }

  /**
   * A collective of 8 bytes along every axis on which the value is replicated.
   *
   * @param what - what made the tensor, for the error
   * @throws ReplicaMismatchError on every rank along the axis, naming the ranks that differ from the first.
   */
  check(record: ShardRecord, what: string): void {
    const { layout, local } = record;
    if (this.#isSuspended || layout.dtype === "string" || layout.dtype === "complex64") return;
    const hash = hashBits(this.#door.engine.view(local));
    const { mesh } = layout;
    if (mesh === undefined) {
      if (this.#scope.length === 1) return;
      const name = this.#scope.length === this.#world.size ? "world" : "stage";
      compare(this.#groupOf(name, this.#scope), hash, `${what}: ${formatLayout(layout)}`);
      return;
    }
    layout.placements.forEach((placement, axis) => {
      if (placement.kind !== "replicate" || mesh.shape[axis] === 1) return;
      const name = mesh.axisNames[axis]!;
      const { ranks } = (mesh as DeviceMesh).group(name);
      compare(this.#groupOf(name, ranks), hash, `${what}: ${formatLayout(layout)}`);
    });
  }

  #groupOf(axis: string, ranks: readonly number[]): ProcessGroup {
    const key = `${axis} ${ranks.join()}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = this.#world.createGroup(ranks, { name: `checked ${axis}` });
      this.#groups.set(key, group);
    }
    return group;
  }
}

function compare(group: ProcessGroup, hash: number, what: string): void {
  // One reduction finds the largest hash and the smallest (negated).
  const [largest, negatedSmallest] = group.allReduce(Int32Array.of(hash, -hash), { op: "max", label: what });
  if (largest === -negatedSmallest!) return;
  const hashes = group.allGather(Int32Array.of(hash), { label: what });
  const different = group.ranks.filter((_, position) => hashes[position] !== hashes[0]);
  throw new ReplicaMismatchError(
    `checked mode: ${what} must hold the same bits on ranks ${group.ranks.join(", ")} (${group.name.replace("checked ", "")}), but rank ${different.join(", ")} differs from rank ${group.ranks[0]!}; use the same values and seeds on every rank, or fromLocal for values that are meant to differ.`,
  );
}

/** FNV-1a over 32-bit words, shortened to 31 bits so that it can be negated. */
function hashBits(values: NumericArray): number {
  const words =
    values instanceof Uint8Array ? values : new Int32Array(values.buffer, values.byteOffset, values.length);
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 1;
}
