import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@meshwright/source"] },
  ssr: { resolve: { conditions: ["@meshwright/source"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "examples/**/*.test.ts",
      "bench/**/*.test.ts",
      "docs/**/*.test.ts",
    ],
    // The engine that `auto` takes: a native library that happens to be installed must not change what is tested.
    env: { MESHWRIGHT_ENGINE: process.env.MESHWRIGHT_ENGINE ?? "wasm" },
    pool: "forks",
    poolOptions: { forks: { maxForks: 2 } },
    // A hang limit, not a time assertion: a loaded two-core machine starts worker threads slowly.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
