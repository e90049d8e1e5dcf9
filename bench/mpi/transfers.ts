/**
 * `mpirun -np 2 --host a,b npx meshwright run bench/mpi/transfers.ts`: how long rank 1 waits for a message whose sender sleeps for
 * 200 ms after sending it, where the receiver comes 20 ms before the message, and where it comes 20 ms after it. A wait of some 200 ms says
 * that the message moved only when the sender came back to MPI.
 *
 * @packageDocumentation
 */
import { defineProgram } from "@meshwright/core";
import { median } from "../statistics.ts";

const [EARLY_MS, AWAY_MS, ROUNDS] = [20, 200, 5];
const SIZES_KIB = [4, 48, 128, 512, 4_096];

export default defineProgram(({ world: { rank, group } }) => {
  for (const who of ["receiver", "sender"] as const) {
    for (const kib of SIZES_KIB) {
      const waits: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const message = new Float32Array(256 * kib);
        group.barrier();
        if (rank === 0) {
          if (who === "receiver") sleep(EARLY_MS);
          group.send(message, 1);
          sleep(AWAY_MS);
        } else if (rank === 1) {
          if (who === "sender") sleep(EARLY_MS);
          const start = performance.now();
          group.receive(message, 0);
          waits.push(performance.now() - start);
        }
        group.barrier();
      }
      if (rank === 1) console.log(`${who} first, ${kib} KiB: ${median(waits).toFixed(0)} ms`);
    }
  }
});

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
