/**
 * What tfjs-node 4.22 takes from Node.js that newer versions deprecate (22) or lack (23 and later).
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";

/** Puts the functions back that tfjs-node calls on every operation; without a deprecation warning. */
export function repairNodeUtil(): void {
  // The module object that `require` hands out; the one of `import` is frozen.
  const util = createRequire(import.meta.url)("node:util") as object;
  Reflect.set(util, "isNullOrUndefined", (value: unknown) => value === null || value === undefined);
  Reflect.set(util, "isArray", (value: unknown) => Array.isArray(value));
}
