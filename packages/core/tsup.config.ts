import { defineConfig } from "tsup";

export default defineConfig({
  entry: [
    "src/index.ts",
    "src/runtime/worker.ts",
    "src/runtime/mpi/rank-worker.ts",
    "src/topology/measure-program.ts",
    "src/checkpoint/writer-thread.ts",
    "src/cli/main.ts",
  ],
  format: ["esm"],
  target: "node20",
  dts: { entry: "src/index.ts" },
  sourcemap: true,
  clean: true,
});
