import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { repairAttributeNames } from "./addon-sources.ts";
import { EngineInstallError } from "./install-error.ts";

const folder = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-node/package.json"));
const source = readFileSync(join(folder, "binding/tfjs_backend.cc"), "utf8");

describe("repairAttributeNames", () => {
  test("puts a lock around the one use of the set, and changes nothing else", () => {
    const lines = repairAttributeNames(source).split("\n");
    const before = source.split("\n");
    const added = lines.filter((line) => !before.includes(line)).map((line) => line.trim());
    expect(added).toEqual([
      "#include <mutex>",
      "static std::mutex ATTR_NAME_MUTEX;",
      "std::unique_lock<std::mutex> attr_name_lock(ATTR_NAME_MUTEX);",
      "attr_name_lock.unlock();",
    ]);
    expect(lines.filter((line) => !added.includes(line.trim()))).toEqual(before);
    expect(source.match(/ATTR_NAME_SET/g)).toHaveLength(2);
  });

  test("refuses sources that it does not know", () => {
    const unknown = source.replace("ATTR_NAME_SET.insert", "ATTR_NAME_SET.emplace");
    expect(() => repairAttributeNames(unknown)).toThrow(EngineInstallError);
    expect(() => repairAttributeNames(unknown)).toThrow(/must be those of 3\.6\.1 to 4\.22\.0/);
  });
});
