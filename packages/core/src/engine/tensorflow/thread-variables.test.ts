import { expect, test } from "vitest";
import { threadVariables } from "./thread-variables.ts";

test.each([
  ["one thread by default", undefined, 3, {}, { TF_NUM_INTRAOP_THREADS: "1", TF_NUM_INTEROP_THREADS: "1" }],
  [
    "one pool thread for one thread per rank, however many ranks",
    1,
    3,
    {},
    { TF_NUM_INTRAOP_THREADS: "1", TF_NUM_INTEROP_THREADS: "1" },
  ],
  [
    "a pool for all ranks of the process",
    2,
    3,
    {},
    { TF_NUM_INTRAOP_THREADS: "6", TF_NUM_INTEROP_THREADS: "1" },
  ],
  [
    "what the environment says, where nothing was asked for",
    undefined,
    2,
    { TF_NUM_INTRAOP_THREADS: "5" },
    { TF_NUM_INTEROP_THREADS: "1" },
  ],
  [
    "what was asked for before what the environment says",
    4,
    1,
    { TF_NUM_INTRAOP_THREADS: "5", TF_NUM_INTEROP_THREADS: "2" },
    { TF_NUM_INTRAOP_THREADS: "4" },
  ],
])("%s", (_, threadsPerRank, ranks, environment, variables) => {
  expect(threadVariables({ threadsPerRank, ranks }, environment)).toEqual(variables);
});
