import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "meshwright-run-"));

/** A folder of examples with the real runner in it. */
beforeAll(() => {
  const write = (file: string, text: string) => {
    writeFileSync(join(root, file), text);
  };
  copyFileSync(join(here, "run.mjs"), join(root, "run.mjs"));
  symlinkSync(join(here, "node_modules"), join(root, "node_modules"));
  write("package.json", '{ "type": "module" }');
  for (const folder of ["echo", "wait", "cli"]) mkdirSync(join(root, folder));
  write(
    "echo/main.ts",
    `/**
      * Prints its arguments. Not shown in the list.
      *
      * @packageDocumentation
      */
     enum Greeting { Hello = "hello" } // TypeScript that Node.js alone cannot run
     console.log(JSON.stringify([Greeting.Hello, ...process.argv.slice(2), process.execArgv[0]]));
     process.exitCode = 3;`,
  );
  write(
    "wait/main.ts",
    `/** Waits for a signal. */
     process.on("SIGTERM", () => { console.log("cleaned up"); process.exit(4); });
     console.log(String(process.pid));
     setInterval(() => undefined, 1000);`,
  );
  write("cli/options.ts", "");
  write("02-ring.ts", "/** Sends a token round a ring. */\nconsole.log('ring');");
  write("02-ring.test.ts", "");
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly endedBy: NodeJS.Signals | null;
}

function start(...args: string[]): { child: ChildProcessWithoutNullStreams; outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, [join(root, "run.mjs"), ...args]);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, endedBy) => {
      resolve({ stdout, stderr, exitCode, endedBy });
    });
  });
  return { child, outcome };
}

const LISTING = `Examples:
  02-ring  Sends a token round a ring.
  echo     Prints its arguments.
  wait     Waits for a signal.

Run one with: pnpm example NAME [options]   (--help lists its options)
`;

describe("run.mjs", () => {
  test("runs a TypeScript example with the source condition, passes options and the exit code on", async () => {
    const { stdout, exitCode } = await start("echo", "--mesh", "dp=1,tp=2", "a b").outcome;
    expect(JSON.parse(stdout)).toEqual([
      "hello",
      "--mesh",
      "dp=1,tp=2",
      "a b",
      "--conditions=@meshwright/source",
    ]);
    expect(exitCode).toBe(3);
  });

  test("leaves out the -- that pnpm hands over", async () => {
    const { stdout } = await start("echo", "--", "--steps", "3").outcome;
    expect(JSON.parse(stdout)).toEqual(["hello", "--steps", "3", "--conditions=@meshwright/source"]);
  });

  test.each(["ring", "02-ring"])("runs a numbered example as %s", async (name) => {
    expect(await start(name).outcome).toEqual({ stdout: "ring\n", stderr: "", exitCode: 0, endedBy: null });
  });

  test("without a name lists the examples with the first sentence of each, exit code 2", async () => {
    expect(await start().outcome).toEqual({ stdout: LISTING, stderr: "", exitCode: 2, endedBy: null });
  });

  test("an unknown name, and a folder that is no example, are errors that list the examples", async () => {
    for (const name of ["gtp", "cli"]) {
      const stderr = `There is no example named "${name}".\n\n${LISTING}`;
      expect(await start(name).outcome).toEqual({ stdout: "", stderr, exitCode: 2, endedBy: null });
    }
  });

  test("a signal reaches the example, which may clean up and choose the exit code", async () => {
    const { child, outcome } = start("wait");
    child.stdout.once("data", () => child.kill("SIGTERM"));
    const { stdout, exitCode } = await outcome;
    expect(stdout).toMatch(/^\d+\ncleaned up\n$/);
    expect(exitCode).toBe(4);
  });

  test("a signal that ends the example ends the runner alike, and no process is left", async () => {
    const { child, outcome } = start("wait");
    child.stdout.once("data", () => child.kill("SIGINT"));
    const { stdout, endedBy } = await outcome;
    expect(endedBy).toBe("SIGINT");
    expect(() => process.kill(Number(stdout), 0)).toThrow("ESRCH");
  });
});
