/**
 * `mpirun -np 4 npx meshwright run bench/mpi/all-reduce-order.ts [--deterministic]`: microseconds per all-reduce of float32, with and without
 * a fixed order.
 *
 * @packageDocumentation
 */
import { defineProgram } from "@meshwright/core";
import { median } from "../statistics.ts";

const SIZES_BYTES = [4, 65_536, 1_048_576, 16_777_216];
const [SAMPLES, SAMPLE_BYTES, MAX_CALLS] = [9, 33_554_432, 500];

export default defineProgram(({ world: { rank, group } }) => {
  for (const bytes of SIZES_BYTES) {
    const buffer = new Float32Array(bytes / 4);
    const calls = Math.max(2, Math.min(MAX_CALLS, SAMPLE_BYTES / bytes));
    const samples = Array.from({ length: SAMPLES }, () => {
      group.barrier();
      const start = performance.now();
      for (let call = 0; call < calls; call++) group.allReduce(buffer);
      return (1000 * (performance.now() - start)) / calls;
    });
    if (rank === 0) console.log(`${bytes} B: ${median(samples).toFixed(1)} us`);
  }
});
