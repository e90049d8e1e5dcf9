/**
 * What this process says about itself at the start of a job.
 *
 * @packageDocumentation
 */
import { hostname } from "node:os";
import type { Claim, StartFacts } from "./start-facts.ts";

/** The facts: the host, and what the caller claims beside the version of Node.js. */
export function ownFacts(claims: readonly Claim[]): StartFacts {
  const major = process.versions.node.split(".")[0]!;
  return {
    host: hostname(),
    claims: [
      ...claims,
      {
        what: "version of Node.js",
        value: `${major}.x`,
        fix: "install the same one on every host",
      },
    ],
  };
}
