import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { HANG_MS, installedMpiruns, type Mpirun } from "./mpirun.ts";
import { SshHosts } from "./ssh-hosts.ts";

vi.setConfig({ testTimeout: HANG_MS });
const launchers = installedMpiruns();
const openMpi = launchers.find(({ name }) => name === "Open MPI");
const docs = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../../docs/${name}`, import.meta.url)), "utf8");

/** As the MPI Operator names the pods of a job `meshwright` in the namespace `default`. */
const pods = [0, 1].map((number) => `meshwright-worker-${number}`);
const service = "meshwright-worker.default.svc";
const hosts =
  launchers.length === 0
    ? undefined
    : await SshHosts.make(
        pods.map((pod, at) => [["node-a", "node-b"][at]!, pod, `${pod}.${service}`]),
        95,
      );
afterAll(() => {
  hosts?.remove();
});

/** The part of the manifest that says what the launcher runs. */
interface MpiJobManifest {
  readonly spec: {
    readonly mpiReplicaSpecs: {
      readonly Launcher: {
        readonly template: {
          readonly spec: {
            readonly containers: readonly [
              { readonly command: readonly string[]; readonly args: readonly string[] },
            ];
          };
        };
      };
    };
  };
}

/** The folder of a user: the program of the docs, and the packages. */
function makeFolder(): string {
  const folder = join(hosts!.folder, "job");
  mkdirSync(folder);
  symlinkSync(
    fileURLToPath(new URL("../../../../examples/node_modules", import.meta.url)),
    join(folder, "node_modules"),
  );
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const [, program] = /```ts\n\/\/ train\.ts\n([^`]*(?:`[^`]+`[^`]*)*?)```/.exec(docs("multi-node.md"))!;
  writeFileSync(join(folder, "train.ts"), program!);
  writeFileSync(join(folder, "hosts"), "node-a slots=2\nnode-b slots=2\n");
  writeFileSync(join(folder, "hosts-of-mpich"), "node-a:2\nnode-b:2\n");
  return folder;
}
const folder = hosts === undefined ? "" : makeFolder();

/** The words of a command of the docs, whose lines may go on after a backslash. */
function commandOf(start: RegExp, { command }: Mpirun): readonly string[] {
  const [text] = start.exec(docs("multi-node.md"))!;
  const [, ...words] = text.replaceAll(/\\\n/g, " ").trim().split(/\s+/);
  return [command, ...words];
}

describe.skipIf(hosts !== undefined)("Hosts that are reached by ssh", () => {
  test.skip("need mpirun, sshd (openssh-server), ip, unshare, and root, to be made as network namespaces", () =>
    undefined);
});

describe.runIf(hosts !== undefined)("Hosts that are reached by ssh", () => {
  const fourRanks = ["[node-a rank 0]", "[node-a rank 1]", "[node-b rank 2]", "[node-b rank 3]"].map(
    (label, rank) => `${label} rank ${rank} of 4: 10`,
  );
  const commands = [
    ["Open MPI", /mpirun -np 4 --hostfile hosts (?:[^\n]*\\\n)*.*/, {}],
    // Hosts that share a kernel look like one to UCX, which would use shared memory between them.
    ["MPICH", /mpirun -np 4 -f hosts .*/, { UCX_TLS: "self,tcp", UCX_NET_DEVICES: "eth0" }],
  ] as const;

  const launcherOf = (name: string): Mpirun | undefined => launchers.find((each) => each.name === name);

  test.each(commands.filter(([name]) => launcherOf(name) !== undefined))(
    "run the program of the docs by their command for %s",
    async (name, start, settings) => {
      const launcher = launcherOf(name)!;
      const words = commandOf(start, launcher);
      const file = name === "MPICH" ? "hosts-of-mpich" : "hosts";
      const command = words.map((word) => (word === "hosts" ? file : word));
      const { code, stdout, stderr } = await hosts!.run(command, settings, folder);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stdout.trim().split("\n").toSorted()).toEqual(fourRanks);
    },
  );

  test.runIf(openMpi !== undefined)(
    "run the launcher of the Kubernetes manifest with what the operator sets",
    async () => {
      const { spec } = parse(docs("launch/kubernetes.yaml")) as MpiJobManifest;
      const { command: entry, args } = spec.mpiReplicaSpecs.Launcher.template.spec.containers[0];
      const command = [...entry, ...args].map((word) => word.replace("mpirun ", `${openMpi!.command} `));
      const hostfile = hosts!.write("hostfile", pods.map((pod) => `${pod}.${service} slots=1\n`).join(""));
      const environment = {
        K_MPI_JOB_ROLE: "launcher",
        OMPI_MCA_orte_keep_fqdn_hostnames: "true",
        OMPI_MCA_orte_default_hostfile: hostfile,
        OMPI_MCA_plm_rsh_args: "-o ConnectionAttempts=10",
        OMPI_MCA_orte_set_default_slots: "1",
      };
      const { code, stdout, stderr } = await hosts!.run(command, environment, folder);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stdout.trim().split("\n").toSorted()).toEqual([
        "[node-a rank 0] rank 0 of 2: 3",
        "[node-b rank 1] rank 1 of 2: 3",
      ]);
    },
  );
});
