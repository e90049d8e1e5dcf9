import { expect, test } from "vitest";
import { describeTopology } from "./describe-topology.ts";

test("A topology shows hosts, both tables and the medians", () => {
  const text = describeTopology(
    [
      {
        host: "a",
        pairs: [
          { ranks: [0, 1], latencyUs: 1.25, bandwidthGBps: 4 },
          { ranks: [0, 2], latencyUs: 18.04, bandwidthGBps: 1.1 },
        ],
      },
      { host: "a", pairs: [{ ranks: [1, 2], latencyUs: 17.5, bandwidthGBps: 1.2 }] },
      { host: "b", pairs: [] },
    ],
    1_048_576,
  );
  expect(text).toBe(`a: ranks 0, 1
b: rank 2

latency of 4 B, one way (us)
    rank       0       1       2
       0       -    1.25    18.0
       1    1.25       -    17.5
       2    18.0    17.5       -

bandwidth of 1048576 B (GB/s)
    rank       0       1       2
       0       -    4.00    1.10
       1    4.00       -    1.20
       2    1.10    1.20       -

within a host: 1.25 us, 4.00 GB/s (medians over pairs)
between hosts: 18.0 us, 1.20 GB/s (medians over pairs)`);
});
