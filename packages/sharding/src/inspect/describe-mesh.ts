/**
 * Says in one line where the ranks of a mesh are.
 *
 * @packageDocumentation
 */
import { formatMesh, type MeshGeometry } from "../mesh.ts";
import { crossingAxes, hostsOf } from "../mesh-hosts.ts";

/** `{ dp: 2, tp: 2 } on 2 hosts (node-a 2 ranks, node-b 2 ranks): dp crosses hosts, tp stays inside` */
export function describeMesh(mesh: MeshGeometry & { readonly hosts: readonly string[] }): string {
  const { axisNames, hosts } = mesh;
  const names = hostsOf([...hosts.keys()], hosts);
  if (names.length === 1) return `${formatMesh(mesh)} on ${names[0]!}`;
  const counts = names.map((name) => {
    const count = hosts.filter((host) => host === name).length;
    return `${name} ${count} ${count === 1 ? "rank" : "ranks"}`;
  });
  const crossing = crossingAxes(mesh, hosts);
  const axes = axisNames.map(
    (name) => `${name} ${crossing.includes(name) ? "crosses hosts" : "stays inside"}`,
  );
  return `${formatMesh(mesh)} on ${names.length} hosts (${counts.join(", ")}): ${axes.join(", ")}`;
}
