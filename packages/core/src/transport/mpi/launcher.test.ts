import { expect, test } from "vitest";
import { detectLauncher } from "./launcher.ts";

test.each([
  [
    { OMPI_COMM_WORLD_SIZE: "4", OMPI_COMM_WORLD_RANK: "2", OMPI_COMM_WORLD_LOCAL_RANK: "1" },
    { name: "Open MPI", engine: "Open MPI", rank: 2, size: 4, localRank: 1 },
  ],
  [
    { PMI_SIZE: "3", PMI_RANK: "0" },
    { name: "MPICH", engine: "MPICH", rank: 0, size: 3, localRank: 0 },
  ],
  [
    { SLURM_STEP_NUM_TASKS: "8", SLURM_PROCID: "7", SLURM_LOCALID: "3" },
    { name: "Slurm", rank: 7, size: 8, localRank: 3 },
  ],
  // A batch script of Slurm is not a step of it, and a job of one process needs no MPI.
  [{ SLURM_NTASKS: "8", SLURM_PROCID: "0" }, undefined],
  [{ OMPI_COMM_WORLD_SIZE: "1", OMPI_COMM_WORLD_RANK: "0" }, undefined],
  [{}, undefined],
])("The launcher of %o is found", (environment, expected) => {
  expect(detectLauncher(environment)).toMatchObject(expected ?? {});
  expect(detectLauncher(environment) === undefined).toBe(expected === undefined);
});
