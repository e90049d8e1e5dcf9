/**
 * A kernel of the program's own that no engine has: its rule computes it, with a collective inside.
 */
import { defineProgram, type LedgerTotal } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  defineRule,
  formatPlacement,
  full,
  placementsOf,
  shard,
  Shard,
  toLocal,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";
import { countMemory, growth, type MemoryCounts } from "./memory-counts.ts";

export interface OwnCollective {
  readonly values: readonly number[];
  readonly placement: string;
  readonly localShape: readonly number[];
  readonly totals: readonly LedgerTotal[];
  readonly leaked: MemoryCounts;
}

/** `x` over the sum of all its elements, however `x` is split. */
const share = defineRule({
  kernels: ["ShareOfTotal"],
  outputs: ({ inputs }) => [inputs[0]!],
  strategies: ({ inputs }) =>
    inputs[0]!.shape.map((_, dim) => ({ inputs: [Shard(dim)], outputs: [Shard(dim)], localBytes: 1 })),
  local: (kernels, [x], { groups, inputs: [layout] }) => [
    kernels.create(layout!.localShape, "float32", (out) => {
      const values = kernels.view(x!);
      const total = new Float32Array(1);
      for (const value of values) total[0]! += value;
      layout!.placements.forEach(({ kind }, axis) => {
        if (kind === "shard") groups[axis]!.allReduce(total, { label: "total" });
      });
      values.forEach((value, at) => (out[at] = value / total[0]!));
    }),
  ],
  communicates: true,
  attrsKey: () => "",
});

export default defineProgram(({ world }): OwnCollective => {
  const mesh = createMesh(world, { tp: world.size }, { rules: [share] });
  const before = countMemory(world);
  const found = inScope(() => {
    // Large, so that gathering it costs more; the second dim is shorter than the axis.
    const x = shard(tf.range(0, 3 * 8192).reshape([8192, 3]), mesh, { tp: Shard(1) });
    const { result, totals } = countCommunication(world, () =>
      tf.engine().runKernel<tf.Tensor>("ShareOfTotal", { x }),
    );
    return {
      values: [...full(tf.slice(result, [8190, 0], [2, 3])).dataSync()],
      placement: formatPlacement(placementsOf(result).tp!),
      localShape: toLocal(result).shape,
      totals,
    };
  });
  return { ...found, leaked: growth(before, countMemory(world)) };
});
