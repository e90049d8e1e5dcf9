import { describe, expect, test } from "vitest";
import { ContractError, InternalError } from "../errors.ts";
import { CollectiveTimeoutError } from "../transport/failures.ts";
import { describeThrown, fromErrorRecord, toErrorRecord } from "./error-record.ts";

/** What arrives on the other thread. */
function sent(thrown: unknown): unknown {
  return fromErrorRecord(structuredClone(toErrorRecord(thrown)));
}

class LayerError extends Error {
  override readonly name: string = "LayerError";
  readonly layer: number;
  readonly onRetry = (): number => this.layer;

  constructor(layer: number, options?: ErrorOptions) {
    super(`layer ${layer} is odd`, options);
    this.layer = layer;
  }
}

describe("an error that crosses threads", () => {
  test.each([
    new TypeError("a"),
    new ContractError("b"),
    new InternalError("c"),
    new CollectiveTimeoutError("d"),
    new Error("e"),
  ])("keeps class, message and stack: %s", (error) => {
    const arrived = sent(error);
    expect(arrived).toBeInstanceOf(error.constructor);
    expect(arrived).toMatchObject({ name: error.name, message: error.message, stack: error.stack });
    expect(String(arrived)).toBe(String(error));
  });

  test("keeps the name and fields of a class that is not known here", () => {
    const error = new LayerError(5, { cause: new LayerError(3) });
    const arrived = sent(error);
    expect(arrived).toBeInstanceOf(Error);
    expect(arrived).toMatchObject({
      name: "LayerError",
      message: "layer 5 is odd",
      stack: error.stack,
      layer: 5,
      cause: { name: "LayerError", message: "layer 3 is odd", layer: 3 },
    });
  });

  test("keeps a field that cannot be cloned as text", () => {
    expect(sent(new LayerError(1))).toMatchObject({ onRetry: "[Function: onRetry]" });
  });

  test("keeps the members of an AggregateError", () => {
    const arrived = sent(new AggregateError([new RangeError("x"), "y"], "both"));
    expect(arrived).toBeInstanceOf(AggregateError);
    expect(arrived).toMatchObject({ message: "both", errors: [{ name: "RangeError", message: "x" }, "y"] });
  });

  test("ends a circle of causes", () => {
    const error = new Error("round");
    error.cause = error;
    let numErrors = 0;
    for (let at: unknown = sent(error); at instanceof Error; at = at.cause) numErrors += 1;
    expect(numErrors).toBe(9);
  });

  test("may be any other value", () => {
    expect([sent("text"), sent(undefined), sent({ a: 1 }), sent(Symbol("s"))]).toEqual([
      "text",
      undefined,
      { a: 1 },
      "Symbol(s)",
    ]);
  });
});

test("a thrown value is described on one line", () => {
  expect([describeThrown(new Error("m")), describeThrown("t"), describeThrown(undefined)]).toEqual([
    "m",
    "threw 't'",
    "threw undefined",
  ]);
});
