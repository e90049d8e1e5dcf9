import { register } from "tsx/esm/api";
import { parentPort } from "node:worker_threads";
import { readlinkSync } from "node:fs";
parentPort.postMessage(readlinkSync("/proc/thread-self").split("/").pop());
register();
await import("./rank.ts");
