/**
 * Settings of the libraries below MPI, without which they disturb Node.js or each other.
 *
 * @packageDocumentation
 */

/**
 * `OMPI_MCA_mpi_yield_when_idle=1`: a rank that waits inside Open MPI offers its core to others between two polls. A process of
 * Node.js has more threads than its rank, so that cores are shared even where there are as many as ranks; on an idle machine it
 * costs nothing that could be measured, on a busy one a small collective took milliseconds without it.
 *
 * `UCX_MEM_EVENTS=n`: by default UCX, below MPICH and many builds of Open MPI, patches `munmap`, `brk` and others of the C
 * library at its start. Here other threads use them at that time, and 2 of 13 jobs of MPICH 4.0 with UCX 1.13 ended with a
 * segmentation fault in the garbage collector of the main thread. UCX then cannot cache its registrations of memory for RDMA,
 * which nobody needs without such a network.
 *
 * `UCX_HANDLE_ERRORS=none`: its handler of segmentation faults takes the place of V8's, which turns those of wasm into errors,
 * and can hang.
 *
 * @see https://github.com/openucx/ucx/issues/3831, https://github.com/openucx/ucx/issues/4870 (the same in a JVM)
 */
const SETTINGS = {
  OMPI_MCA_mpi_yield_when_idle: "1",
  UCX_MEM_EVENTS: "n",
  UCX_HANDLE_ERRORS: "none",
} as const;

/**
 * Sets what the user has not set. To be called on the main thread, whose `process.env` is that of the C library, before a
 * thread loads libmpi.
 */
export function applyLibrarySettings(environment: Record<string, string | undefined> = process.env): void {
  for (const [name, value] of Object.entries(SETTINGS)) environment[name] ??= value;
}
