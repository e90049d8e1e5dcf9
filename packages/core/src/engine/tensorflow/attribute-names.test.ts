import { createRequire } from "node:module";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ATTRIBUTE_NAMES } from "./attribute-names.ts";

test("the list holds every attribute name in the sources of the installed tfjs-node", () => {
  const dist = join(
    dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-node/package.json")),
    "dist",
  );
  const files = [
    "nodejs_kernel_backend.js",
    ...readdirSync(join(dist, "kernels")).map((name) => `kernels/${name}`),
  ];
  const sources = files
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(join(dist, name), "utf8"));
  const used = sources.flatMap((text) => [
    ...text.matchAll(/name: '(\w+)',\s*type: \w+\.binding\.TF_ATTR/g),
    ...text.matchAll(/createTensorsTypeOpAttr\)?\('(\w+)'/g),
  ]);
  const names = new Set(used.map((match) => match[1]!));
  expect(names.size).toBeGreaterThan(60);
  expect([...names].filter((name) => !ATTRIBUTE_NAMES.includes(name))).toEqual([]);
});
