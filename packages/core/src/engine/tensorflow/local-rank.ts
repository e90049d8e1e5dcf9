/**
 * The position of this process among the ranks of its machine, as the launcher tells it.
 *
 * @packageDocumentation
 */
import { readdirSync } from "node:fs";
import type { RankOnHost } from "./visible-device.ts";

/** The variables of Open MPI, MPICH, Slurm and MVAPICH. */
const VARIABLES = [
  "OMPI_COMM_WORLD_LOCAL_RANK",
  "MPI_LOCALRANKID",
  "SLURM_LOCALID",
  "MV2_COMM_WORLD_LOCAL_RANK",
] as const;

/** Undefined where no launcher started this process. */
export function rankOnHost(environment: NodeJS.ProcessEnv): RankOnHost | undefined {
  const texts = VARIABLES.map((name) => environment[name]);
  const localRank = texts.find((text) => text !== undefined && /^\d+$/.test(text));
  return localRank === undefined ? undefined : { localRank: Number(localRank), numDevices: countDevices() };
}

/** The GPUs that the NVIDIA driver of Linux lists; 0 without one. */
function countDevices(): number {
  try {
    return readdirSync("/proc/driver/nvidia/gpus").length;
  } catch {
    return 0;
  }
}
