import { expect, test } from "vitest";
import { formatCommunication } from "./communication.ts";

test("formatCommunication aligns names left and numbers right", () => {
  expect(
    formatCommunication([
      { group: "tp", collective: "allReduce", calls: 12, bytesSent: 149.33 },
      { group: "data", collective: "reduceScatter", calls: 1, bytesSent: 1_048_576 },
    ]),
  ).toBe(
    [
      "axis  collective     calls  bytes sent",
      "tp    allReduce         12         149",
      "data  reduceScatter      1     1048576",
      "",
    ].join("\n"),
  );
});

test("formatCommunication says where there was none", () => {
  expect(formatCommunication([])).toBe("no communication\n");
});
