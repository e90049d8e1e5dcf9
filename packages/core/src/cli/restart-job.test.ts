import { expect, test } from "vitest";
import { judgeEnd } from "./restart-job.ts";

test.each([
  [{ code: 0, signal: null }, 3, 3, { kind: "done" }],
  [
    { code: 1, signal: null },
    ...([0, 3] as const),
    { kind: "restart", text: "the job ended with exit code 1; starting it again (restart 1 of 3)" },
  ],
  [
    { code: null, signal: "SIGKILL" },
    ...([2, 3] as const),
    { kind: "restart", text: "the job was ended by SIGKILL; starting it again (restart 3 of 3)" },
  ],
  [
    { code: 137, signal: null },
    ...([3, 3] as const),
    { kind: "failed", text: "the job ended with exit code 137 after 3 restarts", exitCode: 1 },
  ],
  [
    { code: 1, signal: null },
    ...([0, 0] as const),
    { kind: "failed", text: "the job ended with exit code 1", exitCode: 1 },
  ],
  [
    { code: 2, signal: null },
    ...([0, 3] as const),
    { kind: "failed", text: "the job ended with exit code 2", exitCode: 2 },
  ],
] as const)("%j of attempt %i, with %i restarts, means %j", (end, attempt, maxRestarts, verdict) => {
  expect(judgeEnd(end, attempt, maxRestarts)).toEqual(verdict);
});
