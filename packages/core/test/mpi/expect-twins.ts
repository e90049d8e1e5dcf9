/**
 * The tests of a package's programs over MPI: the same as on threads.
 *
 * @packageDocumentation
 */
import { describe, expect, test, vi } from "vitest";
import { HANG_MS, installedMpiruns } from "./mpirun.ts";
import { runTwins, type TwinProgram } from "./twins.ts";

/**
 * Runs programs on two and on four processes, each under another MPI where there are two, and expects every rank to return
 * what it returns on threads, bit for bit. `comparable` takes out of a result what may differ. Skipped without MPI.
 */
export function expectTwins(
  title: string,
  programs: Readonly<Record<"two" | "four", readonly TwinProgram[]>>,
  comparable: (result: unknown, program: TwinProgram) => unknown = (result) => result,
): void {
  vi.setConfig({ testTimeout: HANG_MS });
  const launchers = installedMpiruns();
  describe.skipIf(launchers.length > 0)(title, () => {
    test.skip("need mpirun: install openmpi-bin and libopenmpi-dev, or mpich", () => undefined);
  });
  describe.runIf(launchers.length > 0)(title, () => {
    test.each([
      ["two", 2, launchers.at(-1)!],
      ["four", 4, launchers[0]!],
    ] as const)(
      "on %s processes return what they return on threads, bit for bit",
      async (name, ranks, launcher) => {
        const results = await runTwins(launcher, ranks, programs[name]);
        expect(results).toHaveLength(programs[name].length);
        for (const [index, { mpi, threads }] of results.entries()) {
          const program = programs[name][index]!;
          const compared = (ofRanks: readonly unknown[]): unknown[] =>
            ofRanks.map((result) => comparable(result, program));
          expect(mpi).toHaveLength(ranks);
          expect(compared(mpi), JSON.stringify(program)).toEqual(compared(threads));
        }
      },
    );
  });
}
