import { expect, test } from "vitest";
import { checkFacts, claim, type StartFacts } from "./start-facts.ts";

const facts = (host: string, program: string, node = "20.x"): StartFacts => ({
  host,
  claims: [
    claim("program file", program, "copy the same file to every host"),
    claim("version of Node.js", node, "install the same one on every host"),
  ],
});

test("Ranks that agree may start", () => {
  expect(() => {
    checkFacts([facts("a", "x"), facts("b", "x")]);
  }).not.toThrow();
});

test("A claim on which ranks differ names them, their hosts, and what to do", () => {
  expect(() => {
    checkFacts([facts("a", "x"), facts("a", "x"), facts("b", "y")]);
  }).toThrow(
    "MPI: program file (x on rank 0 (a), rank 1 (a); y on rank 2 (b)) must be the same on all ranks; copy the same file to every host.",
  );
});

test("All differences are listed at once", () => {
  expect(() => {
    checkFacts([facts("a", "x"), facts("b", "y", "22.x")]);
  }).toThrow(
    /^MPI:\n- program file .*\n- version of Node\.js \(20\.x on rank 0 \(a\); 22\.x on rank 1 \(b\)\)/,
  );
});

test("Long values are compared to their end", () => {
  const long = "z".repeat(300);
  expect(claim("options", `${long}1`, "").value).not.toBe(claim("options", `${long}2`, "").value);
});
