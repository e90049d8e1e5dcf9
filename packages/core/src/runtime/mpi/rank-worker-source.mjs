// Loads the MPI worker of a rank from the source tree. `--import tsx` does not reach worker threads on Node 20.
import { register as registerCommonJs } from "tsx/cjs/api";
import { register } from "tsx/esm/api";

register();
registerCommonJs();

await import("./rank-worker.ts");
