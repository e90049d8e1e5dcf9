/**
 * Runs every code block of the READMEs and compares what it prints.
 *
 *     node docs/readme-code.mjs [README.md ...]
 *
 * A `ts` block is a file of its own. It is type-checked and run: with `ts ranks=2` as a program on two ranks, otherwise
 * in Node. A `text` block that follows is its expected output, where `...` stands for the rest of a line. Each line of
 * an `sh` block is run by bash, except the test command, which runs these blocks itself or is run beside them.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const SNIPPETS = join(ROOT, "examples", ".snippets");
const RUN_ELSEWHERE = new Set(["npx -y pnpm@10 test"]);
const TIMEOUT_MS = 600_000;

function findReadmes() {
  const packages = readdirSync(join(ROOT, "packages")).map((name) => join("packages", name, "README.md"));
  return ["README.md", ...packages, "docs/architecture.md", "examples/README.md"];
}

/** The fenced blocks of a file: language, words after it, text, line. */
function readBlocks(file) {
  const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
  const blocks = [];
  let open;
  lines.forEach((line, index) => {
    const fence = /^```(\w*) ?(.*)$/.exec(line);
    if (open !== undefined && line === "```") {
      blocks.push(open);
      open = undefined;
    } else if (open !== undefined) open.text += `${line}\n`;
    else if (fence) open = { file, line: index + 1, language: fence[1], words: fence[2], text: "" };
  });
  return blocks;
}

/** Each runnable block with the output it should have. */
function pairWithOutput(blocks) {
  return blocks
    .map((block, i) => ({
      ...block,
      expected: blocks[i + 1]?.language === "text" ? blocks[i + 1].text : undefined,
    }))
    .filter(({ language }) => language === "ts" || language === "sh");
}

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { status, stdout: stdout ?? "", stderr: error?.message ?? stderr };
}

function runBlock(block, snippet) {
  if (block.language === "sh") {
    const commands = block.text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    for (const command of commands.filter((line) => !RUN_ELSEWHERE.has(line.split(" #")[0].trim()))) {
      const result = run("bash", ["-c", command]);
      if (result.status !== 0) return { ...result, stderr: `${command}\n${result.stderr}` };
    }
    return { status: 0, stdout: "", stderr: "" };
  }
  const ranks = /ranks=(\d+)/.exec(block.words)?.[1];
  if (ranks !== undefined)
    return run("node", ["packages/core/bin/meshwright.mjs", "run", snippet, "--ranks", ranks]);
  return run("node", ["--import", "tsx", "--conditions=@meshwright/source", snippet]);
}

/** Whether the output is the expected one, line by line. */
function matches(stdout, expected) {
  if (expected === undefined) return true;
  const actual = stdout.trimEnd().split("\n");
  const wanted = expected.trimEnd().split("\n");
  return (
    actual.length === wanted.length &&
    wanted.every((line, i) => {
      const [start, ...rest] = line.split("...");
      return rest.length === 0 ? actual[i] === line : actual[i].startsWith(start);
    })
  );
}

const files = process.argv.length > 2 ? process.argv.slice(2) : findReadmes();
const blocks = files.flatMap((file) => pairWithOutput(readBlocks(file)));
rmSync(SNIPPETS, { recursive: true, force: true });
mkdirSync(SNIPPETS, { recursive: true });
blocks.forEach((block, i) => {
  block.snippet = join(SNIPPETS, `${String(i).padStart(2, "0")}.ts`);
  if (block.language === "ts") writeFileSync(block.snippet, block.text);
});
let failed = 0;
try {
  execFileSync("npx", ["tsc", "--noEmit", "-p", "docs/tsconfig.snippets.json"], {
    cwd: ROOT,
    stdio: "inherit",
  });
} catch {
  failed++;
  console.log("FAIL code blocks must type-check");
}
for (const block of blocks) {
  const result = runBlock(block, relative(ROOT, block.snippet));
  const isRight = result.status === 0 && matches(result.stdout, block.expected);
  console.log(`${isRight ? "ok  " : "FAIL"} ${block.file}:${block.line} ${block.language} ${block.words}`);
  if (isRight) continue;
  failed++;
  console.log(
    `exit code ${result.status}\n${result.stdout}\n${result.stderr}\nexpected:\n${block.expected ?? "(any output)"}`,
  );
}
rmSync(SNIPPETS, { recursive: true, force: true });
console.log(`${blocks.length - Math.min(failed, blocks.length)} of ${blocks.length} code blocks hold`);
process.exitCode = failed === 0 ? 0 : 1;
