import { expect, test } from "vitest";
import { applyLibrarySettings } from "./library-settings.ts";

test("Settings that the user has made stay", () => {
  const environment: Record<string, string | undefined> = { UCX_MEM_EVENTS: "y", PATH: "/bin" };
  applyLibrarySettings(environment);
  expect(environment).toEqual({
    OMPI_MCA_mpi_yield_when_idle: "1",
    UCX_MEM_EVENTS: "y",
    UCX_HANDLE_ERRORS: "none",
    PATH: "/bin",
  });
});
