/**
 * Options of an example besides the ones that every training has: how their text is read.
 *
 * @packageDocumentation
 */
import { InvalidArgumentError } from "commander";

/** An option of one example. Its flag is the kebab-case form of its name: `hiddenSize` is `--hidden-size <n>`. */
export interface ExampleOption<Value> {
  /** Shown in the help, for example `"width of the model"`. */
  readonly description: string;
  readonly default: Value;
  /** What the help calls the value, for example `"n"`; undefined for a flag, which has no value. */
  readonly placeholder: string | undefined;
  /** Reads the text; throws commander's `InvalidArgumentError`. */
  parse(text: string): Value;
}

/** Options by name. */
export type ExampleOptions = Readonly<Record<string, ExampleOption<unknown>>>;

/** The values of options. */
export type OptionValues<Options extends ExampleOptions> = {
  readonly [Name in keyof Options]: Options[Name]["default"];
};

/** A whole number of at least `min` (default 1). */
export function integerOption(
  description: string,
  defaultValue: number,
  { min = 1 }: { readonly min?: number } = {},
): ExampleOption<number> {
  return { description, default: defaultValue, placeholder: "n", parse: (text) => readInteger(text, min) };
}

/** A number of at least `min` (default: any finite number). */
export function numberOption(
  description: string,
  defaultValue: number,
  { min = -Infinity }: { readonly min?: number } = {},
): ExampleOption<number> {
  const parse = (text: string): number => readNumber(text, { min, example: defaultValue });
  return { description, default: defaultValue, placeholder: "x", parse };
}

/** A number of at least `min`, or undefined where the user gave none. `example` is what the error suggests. */
export function optionalNumber(
  description: string,
  { min, example }: { readonly min: number; readonly example: number },
): ExampleOption<number | undefined> {
  return {
    description,
    default: undefined,
    placeholder: "x",
    parse: (text) => readNumber(text, { min, example }),
  };
}

/** A whole number of at least 1, or undefined where the user gave none. */
export function optionalInteger(description: string): ExampleOption<number | undefined> {
  return { description, default: undefined, placeholder: "n", parse: (text) => readInteger(text, 1) };
}

/** One of several words. */
export function choiceOption<Choice extends string>(
  description: string,
  choices: readonly Choice[],
  defaultValue: Choice,
): ExampleOption<Choice> {
  return {
    description: `${description}: ${choices.join(", ")}`,
    default: defaultValue,
    placeholder: "name",
    parse(text) {
      const choice = choices.find((name) => name === text);
      if (choice !== undefined) return choice;
      throw new InvalidArgumentError(
        `It must be one of ${choices.join(", ")}; use for example ${defaultValue}.`,
      );
    },
  };
}

/** False, and true where the user gives the flag. */
export function flagOption(description: string): ExampleOption<boolean> {
  return { description, default: false, placeholder: undefined, parse: () => true };
}

/** Any text. */
export function textOption(description: string, defaultValue: string): ExampleOption<string> {
  return { description, default: defaultValue, placeholder: "text", parse: (text) => text };
}

/** Any text, or undefined where the user gave none. `placeholder` says what it is, for example `"folder"`. */
export function optionalText(description: string, placeholder: string): ExampleOption<string | undefined> {
  return { description, default: undefined, placeholder, parse: (text) => text };
}

function readNumber(
  text: string,
  { min, example }: { readonly min: number; readonly example: number },
): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= min) return value;
  const rule = min === -Infinity ? "must be a number" : `must be a number of at least ${min}`;
  throw new InvalidArgumentError(`It ${rule}; use for example ${example}.`);
}

/** Reads a whole number of at least `min`. */
export function readInteger(text: string, min: number): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new InvalidArgumentError(
    `It must be ${min === 1 ? "a positive integer" : `an integer of at least ${min}`}; use for example ${Math.max(min, 1)}.`,
  );
}

/** `kebabCase("hiddenSize")` is `"hidden-size"`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
