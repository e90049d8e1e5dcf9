/**
 * What every rank of the redistribute benchmark runs: two ways to reduce, in turn.
 *
 * @packageDocumentation
 */
import { defineProgram, type ProcessGroup } from "@meshwright/core";
import { createMesh } from "@meshwright/sharding";
import { interleave } from "../statistics.ts";

/** Which pair of ways, on how much. */
export interface Comparison {
  /**
   * `fused`: an all-reduce along `dp` and one along `tp`, against one over the ranks of both.
   * `into`: a copy and an all-reduce in place, against an all-reduce into another buffer.
   */
  readonly kind: "fused" | "into";
  readonly bytes: number;
  readonly rounds: number;
  readonly calls: number;
}

/** Milliseconds per call, one sample per round. */
export interface Samples {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export default defineProgram<readonly Comparison[], never, readonly Samples[]>(({ world, options }) => {
  const mesh = createMesh(world, world.size === 4 ? { dp: 2, tp: 2 } : { dp: 1, tp: world.size });
  return options.map((comparison) => {
    const data = new Float32Array(comparison.bytes / 4).fill(1);
    const out = new Float32Array(data.length);
    const both = mesh.productGroup(["dp", "tp"]);
    const ways: Record<Comparison["kind"], Record<"before" | "after", () => void>> = {
      fused: {
        before: () => {
          mesh.group("dp").allReduce(data);
          mesh.group("tp").allReduce(data);
        },
        after: () => void both.allReduce(data),
      },
      into: {
        before: () => {
          out.set(data);
          mesh.group("tp").allReduce(out);
        },
        after: () => void mesh.group("tp").allReduce(data, { into: out }),
      },
    };
    const { before, after } = ways[comparison.kind];
    const timed = (body: () => void) => (): number => timePerCall(world.group, comparison.calls, body);
    return interleave(
      { before: timed(before), after: timed(after) },
      { rounds: comparison.rounds, warmUp: 3 },
    );
  });
});

function timePerCall(group: ProcessGroup, calls: number, body: () => void): number {
  group.barrier();
  const start = performance.now();
  for (let call = 0; call < calls; call++) body();
  return (performance.now() - start) / calls;
}
