/**
 * Shows what `meshwright topology` prints of two hosts with two ranks each, which are network namespaces of this machine:
 * `npx tsx packages/core/test/mpi/topology-of-hosts.ts [options of meshwright topology]`. Needs root, `ip` and Open MPI.
 *
 * @packageDocumentation
 */
import { fileURLToPath } from "node:url";
import { Hosts } from "./hosts.ts";
import { installedMpiruns, mpirun } from "./mpirun.ts";

const openMpi = installedMpiruns().find(({ name }) => name === "Open MPI");
const hosts = openMpi === undefined ? undefined : Hosts.make(2, 92);
if (openMpi === undefined || hosts === undefined) {
  console.error("topology-of-hosts: this machine must have Open MPI and ip, and this process must be root.");
  process.exit(1);
}
try {
  const bin = fileURLToPath(new URL("../../bin/meshwright.mjs", import.meta.url));
  const launcher = hosts.launcher(openMpi);
  // Inside a host through shared memory, as real hosts do; the tests keep to what works everywhere.
  const links = launcher.options.map((option) => (option === "self,tcp" ? "self,vader,tcp" : option));
  const options = [...links, "--map-by", "ppr:2:node:OVERSUBSCRIBE"];
  const { code, stdout, stderr } = await mpirun({ ...launcher, options }, 4, [
    ...[bin, "topology"],
    ...process.argv.slice(2),
  ]);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = code ?? 1;
} finally {
  hosts.remove();
}
