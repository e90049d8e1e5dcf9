/**
 * Starts jobs under the launchers of this machine.
 *
 * @packageDocumentation
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/** An MPI that can be tested here. */
export interface Mpirun {
  readonly name: "Open MPI" | "MPICH";
  readonly command: string;
  readonly options: readonly string[];
}

/** How a job ended. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Hang limit of a test that starts jobs. Four processes with an engine each take their time on two cores that others use, too.
 */
export const HANG_MS = 300_000;

/** Both implementations, under the names that Debian gives them where both are installed. */
const KNOWN: readonly (Mpirun & { readonly commands: readonly string[]; readonly says: RegExp })[] = [
  {
    ...{ name: "Open MPI", command: "", commands: ["mpirun.openmpi", "mpirun"], says: /open ?mpi|openrte/i },
    options: ["--oversubscribe", "--bind-to", "none"],
  },
  { name: "MPICH", command: "", commands: ["mpirun.mpich", "mpirun"], says: /hydra/i, options: [] },
];

/** The launchers that are installed. */
export function installedMpiruns(): readonly Mpirun[] {
  return KNOWN.flatMap(({ commands, says, ...mpirun }) => {
    const command = commands.find((each) => {
      const { stdout, status } = spawnSync(each, ["--version"], { encoding: "utf8" });
      return status === 0 && says.test(stdout);
    });
    return command === undefined ? [] : [{ ...mpirun, command }];
  });
}

/** What launchers need here. */
export function mpiEnvironment(): Readonly<Record<string, string | undefined>> {
  return {
    ...process.env,
    // Open MPI asks for this where the tests run as root, as they do in containers.
    ...{ OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" },
  };
}

/** Runs `node` with `args` on `ranks` processes. */
export async function mpirun(
  { command, options }: Mpirun,
  ranks: number,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  onOutput?: (stdout: string) => void,
): Promise<Finished> {
  const child = spawn(command, [...options, "-np", String(ranks), process.execPath, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...mpiEnvironment(), ...environment },
    // Ends all processes of a job that hangs, before the test gives up.
    timeout: HANG_MS - 10_000,
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text.stdout += chunk;
    onOutput?.(text.stdout);
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...text };
}
