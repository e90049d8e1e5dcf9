// Node 20 does not load TypeScript in a worker thread by itself: this registers tsx and goes on in TypeScript.
import { register } from "tsx/esm/api";

register();
await import("./rank.ts");
