import { expect, test } from "vitest";
import { callSite } from "./call-site.ts";

test("callSite is the innermost frame outside of the given folders", () => {
  expect(callSite([])).toMatch(/^packages\/core\/src\/collectives\/call-site\.ts:\d+$/);
  const ownFile = new URL("./call-site.ts", import.meta.url).pathname;
  expect(callSite([ownFile])).toMatch(/^packages\/core\/src\/collectives\/call-site\.test\.ts:\d+$/);
});

test("callSite is unknown where every frame is in the given folders", () => {
  expect(callSite(["/"])).toBe("unknown");
});

test("callSite leaves the stack depth as it was", () => {
  const before = Error.stackTraceLimit;
  callSite();
  expect(Error.stackTraceLimit).toBe(before);
});
