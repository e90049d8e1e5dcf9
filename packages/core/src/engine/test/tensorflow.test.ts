import { describe } from "vitest";
import { describeEngine } from "./engine-suite.ts";
import { nativeLibraryMissing } from "./native-library.ts";

const missing = nativeLibraryMissing();

describe.skipIf(missing !== undefined)(`with a native library${missing ?? ""}`, () => {
  describeEngine("tensorflow");
});
