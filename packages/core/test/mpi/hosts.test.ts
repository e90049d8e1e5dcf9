import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { Hosts } from "./hosts.ts";
import { HANG_MS, installedMpiruns, mpirun } from "./mpirun.ts";

vi.setConfig({ testTimeout: HANG_MS });
const openMpi = installedMpiruns().find(({ name }) => name === "Open MPI");
const hosts = openMpi === undefined ? undefined : Hosts.make(2, 97);
afterAll(() => {
  hosts?.remove();
});

const bin = fileURLToPath(new URL("../../bin/meshwright.mjs", import.meta.url));
const program = fileURLToPath(new URL("./programs/misbehave.ts", import.meta.url));
const command = [bin, "run", program, "--engine", "cpu"];

describe.skipIf(hosts !== undefined)("Two hosts", () => {
  test.skip("need Open MPI, ip, unshare, and root, to be made as network namespaces", () => undefined);
});

describe.runIf(hosts !== undefined)("Two hosts", () => {
  test("run one program, and lines are labelled by host and rank", async () => {
    const run = await mpirun(hosts!.launcher(openMpi!), 2, [...command, "--", "well"]);
    expect(run.code).toBe(0);
    expect(run.stdout.trim().split("\n").toSorted()).toEqual([
      "[node-1 rank 0] sum 3 of 2, well",
      "[node-2 rank 1] sum 3 of 2, well",
    ]);
  });

  test("end with a code that is not 0 when the link between them is cut in the middle of a collective", async () => {
    let isCut = false;
    const { code } = await mpirun(hosts!.launcher(openMpi!), 2, [...command, "--", "go on"], {}, (stdout) => {
      if (isCut || stdout.trim().split("\n").length < 2) return;
      isCut = true;
      hosts!.cut(2);
    });
    expect(isCut).toBe(true);
    expect(code).not.toBe(0);
  });
});
