/**
 * Errors on their way between threads. Structured clone loses an error's class, name and own fields; a record keeps
 * them.
 *
 * @packageDocumentation
 */
import { inspect } from "node:util";
import { ContractError, InternalError } from "../errors.ts";
import {
  CollectiveDeadlockError,
  CollectiveMismatchError,
  CollectiveTimeoutError,
  RankFinishedError,
  WorldAbortedError,
} from "../transport/failures.ts";
import { MpiError, MpiStartError } from "../transport/mpi/mpi-error.ts";

/** An error, or any other thrown value, in structured-cloneable form. */
export type ErrorRecord =
  | {
      readonly kind: "error";
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      /** Own enumerable fields; one that cannot be cloned is kept as its printed text. */
      readonly fields: Readonly<Record<string, unknown>>;
      readonly cause: ErrorRecord | undefined;
      /** The members of an `AggregateError`. */
      readonly errors: readonly ErrorRecord[] | undefined;
    }
  | { readonly kind: "value"; readonly value: unknown };

/** Chains of causes are cut here, so that a circular one ends. */
const MAX_DEPTH = 8;

const OWN_SLOTS = new Set(["name", "message", "stack", "cause", "errors"]);

/** The record of anything that was thrown. */
export function toErrorRecord(thrown: unknown, depth = 0): ErrorRecord {
  if (!(thrown instanceof Error)) return { kind: "value", value: cloneableOf(thrown) };
  const nested = (value: unknown): ErrorRecord | undefined =>
    value === undefined || depth === MAX_DEPTH ? undefined : toErrorRecord(value, depth + 1);
  const own = Object.entries(thrown).filter(([key]) => !OWN_SLOTS.has(key));
  return {
    kind: "error",
    name: thrown.name,
    message: thrown.message,
    stack: thrown.stack,
    fields: Object.fromEntries(own.map(([key, value]: [string, unknown]) => [key, cloneableOf(value)])),
    cause: nested(thrown.cause),
    errors:
      thrown instanceof AggregateError
        ? thrown.errors.map(nested).filter((record) => record !== undefined)
        : undefined,
  };
}

/** Rebuilds the error: same name, message, stack, fields and causes, and the class where it is a known one. */
export function fromErrorRecord(record: ErrorRecord): unknown {
  if (record.kind === "value") return record.value;
  const error = new Error(record.message);
  const prototype = prototypeOf(record.name);
  Object.setPrototypeOf(error, prototype);
  if (prototype.name !== record.name) define(error, "name", record.name);
  define(error, "stack", record.stack);
  if (record.cause !== undefined) define(error, "cause", fromErrorRecord(record.cause));
  if (record.errors !== undefined) define(error, "errors", record.errors.map(fromErrorRecord));
  return Object.assign(error, record.fields);
}

/** One line for a message: the error's own, or the printed value where something else was thrown. */
export function describeThrown(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : `threw ${inspect(thrown)}`;
}

function prototypeOf(name: string): Error {
  const known = [
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AggregateError,
    ContractError,
    InternalError,
    CollectiveDeadlockError,
    CollectiveMismatchError,
    CollectiveTimeoutError,
    RankFinishedError,
    WorldAbortedError,
    MpiError,
    MpiStartError,
  ].find((candidate) => candidate.name === name);
  return known?.prototype ?? Error.prototype;
}

function define(error: Error, slot: string, value: unknown): void {
  Object.defineProperty(error, slot, { value, configurable: true, enumerable: false, writable: true });
}

function cloneableOf(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return inspect(value);
  }
}
