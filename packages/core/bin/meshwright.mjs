#!/usr/bin/env node
// The meshwright command: from the source tree where there is one, else from the published build.
import { existsSync, readFileSync } from "node:fs";

const source = new URL("../src/cli/main.ts", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

let entry = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(source)) {
  const { register } = await import("tsx/esm/api");
  register();
  entry = source;
}

const { main } = await import(entry.href);
process.exitCode = await main(process.argv.slice(2), { version });
