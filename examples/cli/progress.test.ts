import { spawn } from "node:child_process";
import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { formatDuration } from "./duration.ts";
import { createProgress } from "./progress.ts";

/** A stream that keeps what was written. */
class Recorder extends Writable {
  readonly isTTY: boolean;
  readonly columns = 100;
  text = "";

  constructor({ isTTY }: { isTTY: boolean }) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }

  /** The lines a terminal would show: carriage returns and "clear to the right" are carried out. */
  screen(): string[] {
    // eslint-disable-next-line no-control-regex -- terminal control sequences are the matter here
    const plain = this.text.replace(/\u001B\[\?\d+[hl]/g, "").replace(/\u001B\[1G/g, "\r");
    return plain.split("\n").map((line) => {
      let shown = "";
      let column = 0;
      // eslint-disable-next-line no-control-regex -- see above
      for (const [token] of line.matchAll(/\u001B\[0?K|\r|[^\r\u001B]/g)) {
        if (token === "\r") column = 0;
        else if (token.endsWith("K") && token.length > 1) shown = shown.slice(0, column);
        else shown = shown.slice(0, column) + token + shown.slice(++column);
      }
      return shown;
    });
  }
}

describe("createProgress without a terminal", () => {
  test("prints the first state, then one line per interval, and the last state at the end", () => {
    const stream = new Recorder({ isTTY: false });
    let timeMs = 0;
    const progress = createProgress({ steps: 9, stream, intervalMs: 2000, now: () => timeMs });
    for (let step = 1; step <= 8; step++) {
      timeMs = step * 700;
      progress.update({ step, loss: 4 - step / 8, tokensPerSecond: 1234.5 + step });
    }
    progress.stop();
    progress.stop();
    expect(stream.text).toBe(
      [
        "step 1/9  loss 3.875  1,236 tokens/s",
        "step 4/9  loss 3.500  1,239 tokens/s  4 s left",
        "step 7/9  loss 3.125  1,242 tokens/s  1 s left",
        "step 8/9  loss 3.000  1,243 tokens/s  1 s left",
        "",
      ].join("\n"),
    );
  });

  test("log prints its line at once", () => {
    const stream = new Recorder({ isTTY: false });
    const progress = createProgress({ steps: 2, stream, now: () => 0 });
    progress.log("validation loss 3.2");
    expect(stream.text).toBe("validation loss 3.2\n");
    progress.stop();
  });

  test("switched off, only log prints", () => {
    for (const isTTY of [true, false]) {
      const stream = new Recorder({ isTTY });
      const progress = createProgress({ steps: 2, stream, enabled: false });
      progress.update({ step: 1, loss: 3, tokensPerSecond: 5 });
      progress.log("saved");
      progress.stop();
      expect(stream.text).toBe("saved\n");
    }
  });
});

describe("createProgress on a terminal", () => {
  test("the bar stays in the last line, below what log printed", () => {
    const stream = new Recorder({ isTTY: true });
    const progress = createProgress({ steps: 4, stream, now: () => 0 });
    progress.update({ step: 1, loss: 4.25, tokensPerSecond: 50 });
    progress.log("validation loss 3.2");
    progress.update({ step: 4, loss: 3.125, tokensPerSecond: 60 });
    progress.stop();
    progress.stop();
    expect(stream.screen()).toEqual([
      "validation loss 3.2",
      `${"=".repeat(24)} 4/4  loss 3.125  60 tokens/s`,
      "",
    ]);
  });

  test("stop shows the cursor again, switches line wrapping on, and leaves no listener", () => {
    const listeners = () =>
      ["SIGINT", "SIGTERM", "SIGHUP", "exit"].map((event) => process.listenerCount(event));
    const before = listeners();
    const stream = new Recorder({ isTTY: true });
    const progress = createProgress({ steps: 4, stream });
    expect(listeners()).toEqual(before.map((count) => count + 1));
    expect(stream.text).toContain("\u001B[?25l");
    progress.stop();
    expect(stream.text.lastIndexOf("\u001B[?25h")).toBeGreaterThan(stream.text.lastIndexOf("\u001B[?25l"));
    expect(stream.text.lastIndexOf("\u001B[?7h")).toBeGreaterThan(stream.text.lastIndexOf("\u001B[?7l"));
    expect(listeners()).toEqual(before);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s removes the bar, shows the cursor, and ends the process",
    async (signal) => {
      const { output, endedBy } = await runUntilReady(
        `const progress = createProgress({ steps: 4, stream: process.stderr });
       process.stdout.write("ready");
       setInterval(() => progress.update({ step: 1, loss: 3, tokensPerSecond: 5 }), 5);`,
        signal,
      );
      expect(endedBy).toBe(signal);
      expect(output.endsWith("\n\u001B[1A\r\u001B[K")).toBe(true);
      expect(output.lastIndexOf("\u001B[?25h")).toBeGreaterThan(output.lastIndexOf("\u001B[?25l"));
    },
  );

  test("process.exit removes the bar too", async () => {
    const { output, exitCode } = await runUntilReady(
      `createProgress({ steps: 4, stream: process.stderr });
       process.stdout.write("ready");
       process.exit(7);`,
    );
    expect(exitCode).toBe(7);
    expect(output.endsWith("\n\u001B[1A\r\u001B[K")).toBe(true);
  });
});

/** Runs a program with `createProgress` whose stderr passes for a terminal; sends the signal once it says it is ready. */
function runUntilReady(
  body: string,
  signal?: NodeJS.Signals,
): Promise<{ output: string; exitCode: number | null; endedBy: NodeJS.Signals | null }> {
  const url = new URL("./progress.ts", import.meta.url).href;
  const program = `import { createProgress } from ${JSON.stringify(url)}; process.stderr.isTTY = true; ${body}`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
    cwd: new URL("..", import.meta.url),
  });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stdout.once("data", () => {
    if (signal !== undefined) child.kill(signal);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, endedBy) => {
      resolve({ output, exitCode, endedBy });
    });
  });
}

describe("formatDuration", () => {
  test.each([
    [0, "0 s"],
    [59_400, "59 s"],
    [59_600, "1 min 00 s"],
    [125_000, "2 min 05 s"],
    [3_725_000, "1 h 02 min"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
