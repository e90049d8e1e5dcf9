/**
 * Ends this process at once, whatever its threads are doing.
 *
 * @packageDocumentation
 */
import { loadKoffi } from "../../transport/mpi/load-koffi.ts";

/**
 * `_exit` of the C library. `process.exit` waits for the threads of the process, and one that is blocked inside MPI never
 * ends.
 */
export function endProcess(code: number): void {
  try {
    const exit = loadKoffi().load(null).func("_exit", "void", ["int"]) as (status: number) => void;
    exit(code);
  } catch {
    process.kill(process.pid, "SIGKILL");
  }
}
