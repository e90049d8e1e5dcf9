import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { UsageError } from "./exit-code.ts";
import { importPackage } from "./import-package.ts";

const project = realpathSync(mkdtempSync(join(tmpdir(), "meshwright-import-")));

/** A package in the `node_modules` of the project. */
function install(name: string, text: string): void {
  const folder = join(project, "node_modules", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name, type: "module", exports: "./index.js" }),
  );
  writeFileSync(join(folder, "index.js"), text);
}

beforeAll(() => {
  install("@meshwright/of-the-project", "export const answer = 42;");
  install("@meshwright/half", `import "@meshwright/lost-half";`);
});

afterEach(() => {
  vi.restoreAllMocks();
});

afterAll(() => {
  rmSync(project, { recursive: true });
});

describe("importPackage", () => {
  test("imports what lies beside it", async () => {
    expect(await importPackage("commander", "meshwright test")).toHaveProperty("Command");
  });

  test("imports what the project in the working directory has", async () => {
    vi.spyOn(process, "cwd").mockReturnValue(project);
    expect(await importPackage("@meshwright/of-the-project", "meshwright test")).toMatchObject({
      answer: 42,
    });
  });

  test("says how to install what is missing", async () => {
    vi.spyOn(process, "cwd").mockReturnValue(project);
    const missing = importPackage("@meshwright/nowhere", "meshwright test");
    await expect(missing).rejects.toThrow(UsageError);
    await expect(missing).rejects.toThrow(
      `meshwright test: package @meshwright/nowhere (not found) must be installed beside @meshwright/core or in ${project}; use "npm install @meshwright/nowhere".`,
    );
  });

  test("passes on that a package lacks one of its own", async () => {
    vi.spyOn(process, "cwd").mockReturnValue(project);
    await expect(importPackage("@meshwright/half", "meshwright test")).rejects.toThrow(/lost-half/);
  });
});
