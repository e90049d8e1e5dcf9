/** Meshes of four ranks on two hosts: what rank 0 says of them, what crosses the hosts, and what every rank computes. */
import { defineProgram } from "@meshwright/core";
import {
  createMesh,
  describe,
  fromLocal,
  full,
  Partial,
  redistribute,
  Replicate,
  Shard,
  subMesh,
} from "@meshwright/sharding";

export default defineProgram(({ world }) => {
  // Badly ordered: a warning.
  createMesh(world, { tp: 2, dp: 2 });
  const mesh = createMesh(world, { dp: 2, tp: 2 });
  const local = { values: new Float32Array(256 * 192).fill(10 ** world.rank), shape: [256, 192] };
  const parts = fromLocal(local, mesh, { dp: Partial(), tp: Partial() });
  const whole = redistribute(parts, { dp: Replicate(), tp: Replicate() });
  const across = world.ledger.totals().filter(({ group }) => group.includes("dp"));
  const own = fromLocal({ values: Float32Array.of(world.rank), shape: [1] }, mesh, {
    dp: Shard(0),
    tp: Shard(0),
  });
  const said = {
    rank: world.rank,
    process: process.env.OMPI_COMM_WORLD_RANK,
    hosts: world.hosts,
    mesh: describe(mesh),
    stage: describe(subMesh(mesh, { without: "dp" })),
    costs: mesh.costs,
    bytesAcrossHosts: across.reduce((total, { bytesSent }) => total + bytesSent, 0),
    sum: full(whole).dataSync()[0],
    order: [...full(own).dataSync()],
  };
  console.log(JSON.stringify(said));
  return said;
});
