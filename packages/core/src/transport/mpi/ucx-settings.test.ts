import { expect, test } from "vitest";
import { applyUcxSettings } from "./ucx-settings.ts";

test("settings of UCX are made where the user made none", () => {
  const environment = { UCX_MEM_EVENTS: "y" };
  applyUcxSettings(environment);
  expect(environment).toEqual({ UCX_MEM_EVENTS: "y", UCX_HANDLE_ERRORS: "none" });
});
