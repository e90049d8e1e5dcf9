/**
 * A machine without a network: a cache folder, and a PATH of fake tools that write down how they were called.
 *
 * @packageDocumentation
 */
import {
  chmodSync,
  existsSync,
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
import { engineCache, type EngineCache, type Environment } from "../engine-cache.ts";
import type { InstallProgress } from "../install-context.ts";
import type { InstallOptions } from "../install.ts";

/** What the tools of a machine are. */
export interface FakeMachineOptions {
  readonly pip?: boolean;
  readonly compiler?: boolean;
  readonly npm?: boolean;
  /** Whether the program has tfjs-node among its packages. */
  readonly tfjsNode?: boolean;
}

/** The machine, and what happened on it. */
export interface FakeMachine {
  readonly env: Environment;
  readonly cache: EngineCache;
  /** Put wheels here for pip to find. */
  readonly index: string;
  /** What an installation said, step by step. */
  readonly said: string[];
  /** Options for `installEngine`. */
  readonly options: InstallOptions;
  /** How its tools were called, without `--version`. */
  calls(): readonly string[];
  /** Names in the cache folder. */
  cacheNames(): readonly string[];
  remove(): void;
}

/** pip, as far as it is used: 23.2, finds wheels in a folder. */
const PIP = `
if (args.includes("--version")) { console.log("pip 23.2.1 from /usr/lib (python 3.11)"); process.exit(0); }
const requirement = args.at(-1);
const [project, version] = requirement.replaceAll("-", "_").split("==");
const name = fs.readdirSync(process.env.FAKE_INDEX).find((file) => file.startsWith(project + "-" + version + "-"));
const other = process.env.FAKE_PYTHON_UNSUPPORTED === "1" && !args.includes("--python-version");
if (name === undefined || other) {
  console.log("ERROR: Could not find a version that satisfies the requirement " + requirement);
  console.log("ERROR: No matching distribution found for " + requirement);
  process.exit(1);
}
console.log("Downloading " + name + " (273.8 MB)");
fs.copyFileSync(process.env.FAKE_INDEX + "/" + name, args[args.indexOf("--dest") + 1] + "/" + name);
`;

/** A compiler that writes what NODE_OPTIONS of this machine can load as an addon. */
const COMPILER = `
if (args.includes("--version")) { console.log("g++ (fake) 12.2.0"); process.exit(0); }
const backend = args.find((file) => file.endsWith("tfjs_backend.cc"));
if (backend !== undefined && !fs.readFileSync(backend, "utf8").includes("ATTR_NAME_MUTEX")) process.exit(1);
if (process.env.FAKE_COMPILER_FAILS === "1") { console.error("x.cc:1: fatal error: no such header"); process.exit(1); }
const addon = process.env.FAKE_ADDON ?? 'exports.TF_Version = "2.21.0"; exports.isUsingGpuDevice = () => false;';
fs.writeFileSync(args[args.indexOf("-o") + 1], addon);
`;

/** `npm pack` of the fake tfjs-node, and of what it needs. */
const NPM = `
const { execFileSync } = require("node:child_process");
for (const name of ["tensorflow-tfjs-node-4.22.0", "google-protobuf-3.21.4"]) {
  execFileSync("/bin/sh", ["-c", 'PATH=/usr/bin:/bin tar -czf "$0.tgz" -C "$FAKE_REGISTRY" package', name]);
}
`;

/** Loads text files named .node as modules. */
const ADDON_HOOK = `
require.extensions[".node"] = (module, file) => module._compile(require("node:fs").readFileSync(file, "utf8"), file);
`;

const BACKEND_SOURCE = `#include <set>
static std::set<std::string> ATTR_NAME_SET;
  const char *attr_name =
      ATTR_NAME_SET.insert(attr_name_string.c_str()).first->c_str();
`;

/** Makes one; call `remove` at its end. */
export function createFakeMachine({
  pip = true,
  compiler = true,
  npm = false,
  tfjsNode = true,
}: FakeMachineOptions = {}): FakeMachine {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "meshwright-machine-")));
  const at = (name: string): string => join(root, name);
  for (const name of ["bin", "index", "registry/package", "program"])
    mkdirSync(at(name), { recursive: true });
  writeTfjsNode(at("registry/package"));
  if (tfjsNode) writeTfjsNode(at("program/node_modules/@tensorflow/tfjs-node"));
  if (pip) writeTool(root, "python3", PIP);
  if (compiler) writeTool(root, "g++", COMPILER);
  if (npm) writeTool(root, "npm", NPM);
  const tar = ["/usr/bin/tar", "/bin/tar"].find((path) => existsSync(path));
  if (tar !== undefined) symlinkSync(tar, at("bin/tar"));
  const gzip = ["/usr/bin/gzip", "/bin/gzip"].find((path) => existsSync(path));
  if (gzip !== undefined) symlinkSync(gzip, at("bin/gzip"));
  writeFileSync(at("hook.cjs"), ADDON_HOOK);
  const env = {
    PATH: at("bin"),
    MESHWRIGHT_CACHE: at("cache"),
    FAKE_INDEX: at("index"),
    FAKE_REGISTRY: at("registry"),
    FAKE_LOG: at("calls"),
    NODE_OPTIONS: `--require ${at("hook.cjs")}`,
    // Nobody listens at the discard port.
    TFJS_NODE_CDN_STORAGE: "http://127.0.0.1:9/",
  };
  const said: string[] = [];
  return {
    env,
    cache: engineCache(env),
    index: at("index"),
    said,
    options: {
      gpu: false,
      source: "wheel",
      force: false,
      env,
      progress: recorder(said),
      packagesFrom: [at("program/package.json")],
    },
    calls: () => (existsSync(at("calls")) ? readFileSync(at("calls"), "utf8").trim().split("\n") : []),
    cacheNames: () => readdirSync(at("cache")).sort(),
    remove: () => {
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function recorder(said: string[]): InstallProgress {
  return {
    step: (step, what) => said.push(`${step}: ${what}`),
    bytes: () => undefined,
    note: (text) => said.push(text),
  };
}

function writeTool(root: string, name: string, body: string): void {
  const path = join(root, "bin", name);
  const log = `if (!args.includes("--version")) fs.appendFileSync(process.env.FAKE_LOG, ${JSON.stringify(name)} + " " + args.join(" ") + "\\n");`;
  writeFileSync(
    path,
    `#!${process.execPath}\nconst fs = require("node:fs");\nconst args = process.argv.slice(2);\n${log}\n${body}`,
  );
  chmodSync(path, 0o755);
}

function writeTfjsNode(folder: string): void {
  mkdirSync(join(folder, "binding"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "name": "@tensorflow/tfjs-node", "version": "4.22.0" }');
  writeFileSync(join(folder, "binding/tfjs_backend.cc"), BACKEND_SOURCE);
  writeFileSync(join(folder, "binding/tfjs_binding.cc"), "");
}
