import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const core = fileURLToPath(new URL("../../", import.meta.url));
const root = realpathSync(mkdtempSync(join(tmpdir(), "meshwright-published-")));
const installed = join(root, "node_modules/@meshwright/core");

const PROGRAM = `
import { defineProgram } from "@meshwright/core";
export default defineProgram(({ world }) => {
  world.group.barrier();
  console.log(\`rank \${world.rank}, \${typeof require}\`);
});
`;
const TYPED_PROGRAM = `interface Unused { readonly field: number }\n${PROGRAM}`;

interface Finished {
  readonly code: unknown;
  readonly lines: readonly string[];
  readonly stderr: string;
}

function meshwright(file: string): Promise<Finished> {
  const args = [
    join(installed, "bin/meshwright.mjs"),
    "run",
    join(root, file),
    "--ranks",
    "2",
    "--engine",
    "cpu",
  ];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, lines: stdout.trim().split("\n").toSorted(), stderr });
    });
  });
}

/** What npm installs beside the package, and the build therefore leaves out. */
const { dependencies } = JSON.parse(readFileSync(join(core, "package.json"), "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>;
};

/** A build of the package beside its dependencies, as npm would install it. */
beforeAll(async () => {
  mkdirSync(join(root, "node_modules/@tensorflow"), { recursive: true });
  for (const folder of ["bin", "package.json"]) {
    cpSync(join(core, folder), join(installed, folder), { recursive: true });
  }
  await build({
    entry: ["index", "runtime/worker", "cli/main"].map((entry) => join(core, "src", `${entry}.ts`)),
    outDir: join(installed, "dist"),
    format: "esm",
    target: "node20",
    dts: false,
    config: false,
    silent: true,
    tsconfig: join(core, "../../tsconfig.json"),
    external: [/^@tensorflow\//, ...Object.keys(dependencies)],
  });
  for (const scope of ["", "@tensorflow"]) {
    for (const name of readdirSync(join(core, "node_modules", scope))) {
      if (name.startsWith("@") || name.startsWith(".")) continue;
      const target = join(core, "node_modules", scope, name);
      symlinkSync(realpathSync(target), join(root, "node_modules", scope, name));
    }
  }
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

describe("the published command", () => {
  test.each([
    ["program.mjs", PROGRAM, "undefined"],
    ["program.mts", TYPED_PROGRAM, "undefined"],
    // No package.json says "type": "module" here, so this is a CommonJS file.
    ["program.ts", TYPED_PROGRAM, "function"],
  ])("runs %s from its build", async (file, text, typeOfRequire) => {
    writeFileSync(join(root, file), text);
    expect(await meshwright(file)).toEqual({
      code: 0,
      lines: [`[rank 0] rank 0, ${typeOfRequire}`, `[rank 1] rank 1, ${typeOfRequire}`],
      stderr: "",
    });
  });
});
