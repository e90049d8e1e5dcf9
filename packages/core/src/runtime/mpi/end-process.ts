/**
 * Ends this process at once, whatever its threads are doing.
 *
 * @packageDocumentation
 */
import koffi from "koffi";

/**
 * `_exit` of the C library. `process.exit` waits for the threads of the process, and one that is blocked inside MPI never
 * ends.
 */
export function endProcess(code: number): void {
  try {
    const exit = koffi.load(null).func("_exit", "void", ["int"]) as (status: number) => void;
    exit(code);
  } catch {
    process.kill(process.pid, "SIGKILL");
  }
}
