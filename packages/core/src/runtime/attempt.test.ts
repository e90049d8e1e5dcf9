import { expect, test } from "vitest";
import { Attempt } from "./attempt.ts";

test("values come in rank order, undefined included, once all have arrived", async () => {
  const attempt = new Attempt<string | undefined>(3);
  attempt.arrive(2, "c");
  attempt.arrive(0, undefined);
  attempt.arrive(1, "b");
  expect(await attempt.finished).toEqual([undefined, "b", "c"]);
});

test("the first failure wins", async () => {
  const attempt = new Attempt<string>(2);
  attempt.arrive(0, "a");
  attempt.fail(new Error("first"));
  attempt.fail(new Error("second"));
  attempt.arrive(1, "b");
  await expect(attempt.finished).rejects.toThrow("first");
});
