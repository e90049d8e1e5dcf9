/**
 * The MPI implementations of this machine: their launchers and C compilers.
 *
 * @packageDocumentation
 */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** One of them. */
export interface MpiInstallation {
  readonly name: string;
  readonly mpirun: string;
  readonly mpicc: string;
  readonly options: readonly string[];
}

const KNOWN = [
  { name: "Open MPI", suffix: ".openmpi", says: /open ?mpi|openrte/i, options: ["--oversubscribe"] },
  { name: "MPICH", suffix: ".mpich", says: /hydra/i, options: [] },
] as const;

/** Those that have both commands. Debian gives them suffixes where both are installed. */
export function installations(): readonly MpiInstallation[] {
  return KNOWN.flatMap(({ name, suffix, says, options }) => {
    const mpirun = [`mpirun${suffix}`, "mpirun"].find((command) => says.test(output(command, ["--version"])));
    const mpicc = [`mpicc${suffix}`, "mpicc"].find((command) => output(command, ["-show"]) !== "");
    return mpirun === undefined || mpicc === undefined ? [] : [{ name, mpirun, mpicc, options }];
  });
}

/** Builds the C loop. */
export function compileLoop({ mpicc }: MpiInstallation, into: string): void {
  const source = fileURLToPath(new URL("./loop.c", import.meta.url));
  const { status, stderr } = spawnSync(mpicc, ["-O2", "-o", into, source], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${mpicc}: ${stderr}`);
}

/** Runs a command on `ranks` processes and returns what it printed. */
export function runRanks(
  { mpirun, options }: MpiInstallation,
  ranks: number,
  command: readonly string[],
): string {
  const { status, stdout, stderr } = spawnSync(mpirun, [...options, "-np", String(ranks), ...command], {
    encoding: "utf8",
    env: {
      ...process.env,
      ...{ OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" },
      // Ranks that share cores give them to each other while they wait.
      ...(ranks > availableParallelism() ? { OMPI_MCA_mpi_yield_when_idle: "1" } : {}),
    },
  });
  if (status !== 0) throw new Error(`${mpirun} ended with ${String(status)}:\n${stderr}`);
  return stdout;
}

function output(command: string, args: readonly string[]): string {
  const { error, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return error === undefined ? stdout : "";
}
