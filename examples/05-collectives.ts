/**
 * Calls the collectives of a process group on typed arrays, without tensors or a mesh.
 *
 * All three ranks make the same calls in the same order; rank 1 prints what it gets. A rank that makes another call ends
 * the run with an error that shows both.
 *
 * Prints (`pnpm example 05-collectives`):
 *
 * ```text
 * [rank 1] allReduce     [3, 3]
 * [rank 1] max           [2, 1]
 * [rank 1] allGather     [0, 0, 1, -1, 2, -2]
 * [rank 1] reduceScatter [60]
 * [rank 1] allToAll      [1, 11, 21]
 * [rank 1] broadcast     [2]
 * [rank 1] receive       [0]
 * [rank 1] bytes sent: allReduce 21, allGather 16, reduceScatter 8, allToAll 8, broadcast 0, send 4, receive 0
 * ```
 *
 * @packageDocumentation
 */
import { defineProgram, launchHere } from "@meshwright/core";

export default defineProgram(({ world: { group, rank, size, ledger } }) => {
  const print = (name: string, values: ArrayLike<number>) => {
    if (rank === 1) console.log(`${name.padEnd(13)} [${Array.from(values).join(", ")}]`);
  };
  const next = (rank + 1) % size;
  const previous = (rank + size - 1) % size;

  print("allReduce", group.allReduce(Float32Array.of(rank, 1)));
  print("max", group.allReduce(Float32Array.of(rank, 1), { op: "max" }));
  print("allGather", group.allGather(Int32Array.of(rank, -rank)));
  print("reduceScatter", group.reduceScatter(Float32Array.of(10, 20, 30))); // the sum's element 1
  print("allToAll", group.allToAll(Int32Array.from([0, 1, 2], (to) => 10 * rank + to)));
  print("broadcast", group.broadcast(Int32Array.of(rank), { root: 2 }));
  group.send(Int32Array.of(rank), next);
  print("receive", group.receive(new Int32Array(1), previous));

  if (rank !== 1) return;
  const bytes = ledger.totals().map(({ collective, bytesSent }) => `${collective} ${Math.round(bytesSent)}`);
  console.log(`bytes sent: ${bytes.join(", ")}`);
});

await launchHere(import.meta, { ranks: 3 });
