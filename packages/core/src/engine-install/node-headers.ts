/**
 * The C headers of Node-API. They come from the package `node-api-headers`: a Node.js installation often has none.
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The Node-API version that the addon asks for; Node.js 20 has it. */
export const NODE_API_VERSION = 8;

/** The folder to include from. */
export function nodeHeaders(): string {
  return join(dirname(createRequire(import.meta.url).resolve("node-api-headers")), "include");
}
