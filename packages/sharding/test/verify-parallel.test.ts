import { TwinMismatchError, verifyParallel, type Comparison } from "@meshwright/sharding";
import { describe, expect, test } from "vitest";

async function verify(isWrong: boolean, tolerance: number): Promise<Comparison[]> {
  return verifyParallel<{ isWrong: boolean }>(new URL("./programs/planted.ts", import.meta.url), {
    meshes: [{ tp: 2 }],
    options: { isWrong },
    engine: "cpu",
    tolerance,
  });
}

describe("verifyParallel", () => {
  test("passes where a program is right, and says by how much", async () => {
    expect(await verify(false, 0)).toEqual([
      { mesh: { tp: 2 }, name: "square", difference: 0 },
      { mesh: { tp: 2 }, name: "scaled", difference: 0 },
    ]);
  });

  test("finds and names a value that depends on the rank", async () => {
    const error: unknown = await verify(true, 1e-4).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TwinMismatchError);
    // Rank 1 scales its column, 3 and 6, by 1.125: 0.75 too much, of a largest magnitude of 6.
    expect((error as Error).message).toBe(
      'verifyParallel: values must equal the dense ones within 0.0001:\n- scaled on {"tp":2}: differs by 1.25e-1',
    );
    expect((error as TwinMismatchError).comparisons.map(({ name }) => name)).toEqual(["square", "scaled"]);
  });
});
