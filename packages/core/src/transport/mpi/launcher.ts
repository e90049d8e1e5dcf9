/**
 * Which MPI launcher started this process, by the environment that it sets.
 *
 * @packageDocumentation
 */

/** The two implementations whose binary interfaces are known here. Intel MPI and Cray MPI share MPICH's. */
export type MpiEngine = "Open MPI" | "MPICH";

/** What the launcher says about this process, before MPI is started. */
export interface MpiLauncher {
  readonly name: "Open MPI" | "MPICH" | "Slurm";
  /** The implementation that understands this launcher; absent where the environment does not tell. */
  readonly engine?: MpiEngine;
  /** MPI's own rank of this process, and the number of processes. Ranks of the world are numbered host by host. */
  readonly rank: number;
  readonly size: number;
  /** Position among the processes of this host; 0 where not known. */
  readonly localRank: number;
  /** Number of processes on this host; absent where not known. */
  readonly localSize?: number;
}

/** Names of variables. */
interface LauncherVariables extends Pick<MpiLauncher, "name" | "engine"> {
  readonly size: string;
  readonly rank: string;
  readonly localRank: string;
  readonly localSize?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that each launcher sets. Slurm's `SLURM_STEP_NUM_TASKS` is set by `srun`, not in a batch script. */
const LAUNCHERS: readonly LauncherVariables[] = [
  {
    ...{ name: "Open MPI", engine: "Open MPI", size: "OMPI_COMM_WORLD_SIZE", rank: "OMPI_COMM_WORLD_RANK" },
    ...{ localRank: "OMPI_COMM_WORLD_LOCAL_RANK", localSize: "OMPI_COMM_WORLD_LOCAL_SIZE" },
  },
  {
    ...{ name: "MPICH", engine: "MPICH", size: "PMI_SIZE", rank: "PMI_RANK" },
    ...{ localRank: "MPI_LOCALRANKID", localSize: "MPI_LOCALNRANKS" },
  },
  { name: "Slurm", size: "SLURM_STEP_NUM_TASKS", rank: "SLURM_PROCID", localRank: "SLURM_LOCALID" },
];

/**
 * The launcher of this process; `undefined` where it was started by itself, or as the only process of its job.
 *
 * @example
 * ```ts
 * detectLauncher({ PMI_SIZE: "4", PMI_RANK: "1" })?.engine; // "MPICH"
 * ```
 */
export function detectLauncher(environment: Environment): MpiLauncher | undefined {
  for (const { size, rank, localRank, localSize, ...known } of LAUNCHERS) {
    const processes = integerOf(environment[size]);
    const own = integerOf(environment[rank]);
    if (processes === undefined || own === undefined || processes < 2) continue;
    const local = localSize === undefined ? undefined : integerOf(environment[localSize]);
    return {
      ...{ ...known, rank: own, size: processes, localRank: integerOf(environment[localRank]) ?? 0 },
      ...(local === undefined ? {} : { localSize: local }),
    };
  }
  return undefined;
}

function integerOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
