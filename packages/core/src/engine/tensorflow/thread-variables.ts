/**
 * How many threads the native library computes with.
 *
 * The library has one pool per process, made when it is first used, and an operation is cut into as many pieces as the
 * pool has threads. With one thread nothing is cut: every operation runs on the thread of the rank that called it, so
 * ranks in worker threads compute side by side, each on one core. With `t > 1` threads per rank the pool of a process
 * with `r` ranks has `t * r` threads, which its ranks share: together they use no more than `t * r` cores, but a rank may
 * use all of them while the others wait. Ranks that are processes (MPI) have a pool each.
 *
 * @packageDocumentation
 */

/** The variables that the library reads. */
export type ThreadVariables = Readonly<Record<"TF_NUM_INTRAOP_THREADS" | "TF_NUM_INTEROP_THREADS", string>>;

/** What decides about the number of threads. */
export interface ThreadDemand {
  /** What the user asked for; undefined leaves a pool that the environment names alone, and is 1 without one. */
  readonly threadsPerRank: number | undefined;
  /** Ranks in this process. */
  readonly ranks: number;
}

/**
 * The variables to set, by the rule above. Operations run one after the other on each rank, so between operations one
 * thread is enough.
 */
export function threadVariables(
  { threadsPerRank, ranks }: ThreadDemand,
  environment: NodeJS.ProcessEnv,
): Partial<ThreadVariables> {
  const between = environment.TF_NUM_INTEROP_THREADS === undefined ? { TF_NUM_INTEROP_THREADS: "1" } : {};
  if (threadsPerRank === undefined) {
    return environment.TF_NUM_INTRAOP_THREADS === undefined
      ? { TF_NUM_INTRAOP_THREADS: "1", ...between }
      : between;
  }
  const inPool = threadsPerRank === 1 ? 1 : threadsPerRank * ranks;
  return { TF_NUM_INTRAOP_THREADS: String(inPool), ...between };
}
