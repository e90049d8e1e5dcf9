/**
 * Runs an example from its TypeScript source: `pnpm example NAME [options]`.
 *
 * NAME is a folder `examples/NAME` with a `main.ts`, or a numbered file `examples/NN-NAME.ts` (with or without its
 * number). The program runs in a child process, because the condition `@meshwright/source`, which makes the packages
 * resolve to their sources, can only be given to Node.js at its start.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const USAGE_ERROR = 2;
const FOLDER = dirname(fileURLToPath(import.meta.url));

/** All examples, by name: `[{ name, names, file }]`, where `names` are the ways to write it. */
function findExamples() {
  const entries = readdirSync(FOLDER, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const main = join(FOLDER, entry.name, "main.ts");
    if (entry.isDirectory()) return existsSync(main) ? [{ names: [entry.name], file: main }] : [];
    const [, number, name] = /^(\d+)-(.+?)(?<!\.test)\.ts$/.exec(entry.name) ?? [];
    return name === undefined ? [] : [{ names: [`${number}-${name}`, name], file: join(FOLDER, entry.name) }];
  });
}

/** The first sentence of the comment at the head of a file. */
function describe(file) {
  const [, comment = ""] = /^\s*\/\*\*([\s\S]*?)\*\//.exec(readFileSync(file, "utf8")) ?? [];
  const [paragraph = ""] = comment
    .replace(/^[ \t]*\*?[ \t]?/gm, "")
    .trim()
    .split(/\n\s*\n/);
  const [sentence = ""] = paragraph.replace(/\s+/g, " ").split(/(?<=\.) /);
  return sentence;
}

function listing(examples) {
  const width = Math.max(0, ...examples.map(({ names }) => names[0].length));
  const lines = examples.map(({ names, file }) => `  ${names[0].padEnd(width)}  ${describe(file)}`.trimEnd());
  return [
    "Examples:",
    ...lines,
    "",
    "Run one with: pnpm example NAME [options]   (--help lists its options)",
  ].join("\n");
}

function fail(message) {
  console.error(message);
  process.exit(USAGE_ERROR);
}

/** What the child gets: this process's streams and, under mpirun of MPICH, the socket to the launcher. */
function inheritedFiles() {
  const socket = Number(process.env.PMI_FD ?? 0);
  return Array.from({ length: Math.max(3, socket + 1) }, (_, file) =>
    file < 3 || file === socket ? "inherit" : "ignore",
  );
}

/** Starts the program, passes signals on to it, and ends as it ends. */
function run(file, options) {
  const tsx = import.meta.resolve("tsx");
  const nodeOptions = ["--conditions=@meshwright/source", "--import", tsx];
  const child = spawn(process.execPath, [...nodeOptions, file, ...options], { stdio: inheritedFiles() });
  // Ctrl-C in a terminal already reaches every process of the foreground group; a second one could cut the child's
  // clean-up short. Everything else (kill, a supervisor, a closed terminal) reaches this process alone.
  const inTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  const pass = (signal) => {
    if (signal !== "SIGINT" || !inTerminal) child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, pass);
  process.on("exit", () => child.kill("SIGKILL")); // does nothing if the child has ended
  child.on("error", (error) => fail(`Could not start Node.js for ${file}: ${error.message}`));
  child.on("exit", (code, signal) => {
    for (const each of signals) process.off(each, pass);
    if (signal === null) process.exit(code);
    else process.kill(process.pid, signal);
  });
}

const [name, ...rest] = process.argv.slice(2);
const examples = findExamples();
if (name === undefined || name === "--help") {
  console.log(listing(examples));
  process.exit(name === undefined ? USAGE_ERROR : 0);
}
const example = examples.find(({ names }) => names.includes(name));
if (example === undefined) fail(`There is no example named "${name}".\n\n${listing(examples)}`);
// `pnpm example NAME -- --steps 3` hands over the `--` too.
run(example.file, rest[0] === "--" ? rest.slice(1) : rest);
