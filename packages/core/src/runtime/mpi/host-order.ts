/**
 * How ranks are numbered: host by host, whatever the launcher did.
 *
 * ```
 *   process of MPI    0   1   2   3        mpirun --map-by node
 *   host              a   b   a   b
 *   rank              0   2   1   3        a: 0, 1   b: 2, 3
 * ```
 *
 * @packageDocumentation
 */

/**
 * The processes (MPI's own ranks) in the order of ranks: hosts in the order of their first process, on each host the
 * processes in MPI's order. Process 0 is rank 0. `hosts` has the host of every process.
 */
export function hostOrder(hosts: readonly string[]): readonly number[] {
  const processes = new Map<string, number[]>();
  hosts.forEach((host, process) => {
    processes.set(host, [...(processes.get(host) ?? []), process]);
  });
  return [...processes.values()].flat();
}
