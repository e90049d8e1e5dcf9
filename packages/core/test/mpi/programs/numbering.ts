/** Says who this rank is and whom it reaches by every kind of call; then rank 1 ends while the others wait for it. */
import { defineProgram } from "@meshwright/core";

export default defineProgram(({ world }) => {
  const { rank, size, group } = world;
  const all = group.allGather(Int32Array.of(rank));
  const half = rank < size / 2 ? 0 : size / 2;
  const pair = world.createGroup([half, half + 1], { name: "pair" });
  const inPair = pair.allGather(Int32Array.of(rank));
  const before = new Int32Array(1);
  group.send(Int32Array.of(rank), (rank + 1) % size);
  group.receive(before, (rank + size - 1) % size);
  const fromLast = group.broadcast(Int32Array.of(rank), { root: size - 1 });
  console.log(
    `was ${process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK!}, of ${world.hosts.join(" ")}: all ${all.join("")}, pair ${inPair.join("")}, before ${before[0]!}, last ${fromLast[0]!}`,
  );
  group.barrier();
  if (rank !== 1) group.allReduce(Float32Array.of(1), { label: "after" });
});
