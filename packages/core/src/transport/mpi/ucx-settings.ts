/**
 * Settings of UCX, the network library below MPICH and many builds of Open MPI, without which it disturbs Node.js.
 *
 * @packageDocumentation
 */

/**
 * `UCX_MEM_EVENTS=n`: by default UCX patches `munmap`, `brk` and others of the C library at its start. Here other threads use them at
 * that time, and 2 of 13 jobs of MPICH 4.0 with UCX 1.13 ended with a segmentation fault in the garbage collector of the main
 * thread. UCX then cannot cache its registrations of memory for RDMA, which nobody needs without such a network.
 *
 * `UCX_HANDLE_ERRORS=none`: its handler of segmentation faults takes the place of V8's, which turns those of wasm into errors,
 * and can hang.
 *
 * @see https://github.com/openucx/ucx/issues/3831, https://github.com/openucx/ucx/issues/4870 (the same in a JVM)
 */
const SETTINGS = { UCX_MEM_EVENTS: "n", UCX_HANDLE_ERRORS: "none" } as const;

/**
 * Sets what the user has not set. To be called on the main thread, whose `process.env` is that of the C library, before a
 * thread loads libmpi.
 */
export function applyUcxSettings(environment: Record<string, string | undefined> = process.env): void {
  for (const [name, value] of Object.entries(SETTINGS)) environment[name] ??= value;
}
