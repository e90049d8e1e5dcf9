import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { expect, test } from "vitest";
import { checkPmiDescriptor } from "./pmi-descriptor.ts";

test("a process without the launcher's socket says why, and what to start instead", () => {
  const descriptor = openSync(devNull, "r");
  expect(() => {
    checkPmiDescriptor("createWorld", { PMI_FD: String(descriptor), PMI_SIZE: "2" });
  }).toThrow(
    `createWorld: the socket of the MPI launcher (PMI_FD=${descriptor}) must be open in this process; npx and npm do not pass it on: start node_modules/.bin/meshwright instead of npx meshwright.`,
  );
  closeSync(descriptor);
  expect(() => {
    checkPmiDescriptor("createWorld", { PMI_FD: String(descriptor), PMI_SIZE: "2" });
  }).toThrow(/must be open in this process/);
});

test("ranks that would have to ask for their number are refused", () => {
  expect(() => {
    checkPmiDescriptor("createWorld", { PMI_PORT: "node-a:4000", PMI_ID: "1" });
  }).toThrow(/\(PMI_PORT=node-a:4000\) must tell each process its rank, .* leave this option out/);
});

test("the launcher's socket, and processes without such a launcher, are fine", () => {
  checkPmiDescriptor("createWorld", { PMI_FD: "8", PMI_SIZE: "2" }, (descriptor) => descriptor === 8);
  checkPmiDescriptor("createWorld", { OMPI_COMM_WORLD_SIZE: "2" });
  checkPmiDescriptor("createWorld", {});
});
