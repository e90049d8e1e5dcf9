import fc from "fast-check";
import { expect, test } from "vitest";
import { PriorityQueue } from "./priority-queue.ts";

test("a priority queue gives the smallest first, and equals in the order in which they came", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 })), (priorities) => {
      const queue = new PriorityQueue<number>();
      priorities.forEach((priority, i) => {
        queue.push(i, priority);
      });
      const order = priorities.map((_, i) => i).sort((a, b) => priorities[a]! - priorities[b]! || a - b);
      expect(priorities.map(() => queue.pop()?.item)).toEqual(order);
      expect(queue.pop()).toBeUndefined();
    }),
  );
});
