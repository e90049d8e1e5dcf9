import { expect, test } from "vitest";
import { hostOrder } from "./host-order.ts";

test.each([
  ["one host", "aaa", [0, 1, 2]],
  ["host by host", "aabbb", [0, 1, 2, 3, 4]],
  ["round robin", "abcabc", [0, 3, 1, 4, 2, 5]],
  ["hosts in the order of their first process, uneven", "baabcb", [0, 3, 5, 1, 2, 4]],
])("Processes that were placed %s are numbered host by host", (_, hosts, expected) => {
  expect(hostOrder(Array.from(hosts))).toEqual(expected);
});
