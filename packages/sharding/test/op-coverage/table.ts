/**
 * The coverage table, made from the rules and from what was measured.
 *
 * @packageDocumentation
 */
import type { EngineName } from "@meshwright/core";
import { createRuleTable, builtinRules } from "../../src/rules/registry.ts";
import type { Rule } from "../../src/rules/rule.ts";
import { replicationReason } from "../../src/rules/replicated.ts";
import { describeRule } from "./describe-rule.ts";
import type { Measured, MeasuredCall } from "./measured.ts";

/** The command that measures again and writes the table. */
export const WRITE_COMMAND =
  "node --import tsx --conditions=@meshwright/source packages/sharding/test/op-coverage/write.ts";

/** The whole document, in Markdown that is not formatted yet. */
export function coverageDocument(names: readonly string[], measured: Measured): string {
  const rules = createRuleTable(builtinRules());
  const withRule = names.filter((name) => rules.lookup(name) !== undefined);
  const rows = names.map((name) => {
    const cells = [
      `\`${name}\``,
      shapesCell(name, measured),
      forwardCell(name, rules.lookup(name), measured),
    ];
    return `| ${[...cells, gradientCell(name, measured), engineCell(name, measured)].join(" | ")} |`;
  });
  return [
    "# Which operations run sharded",
    "",
    `${names.length} kernels: ${withRule.length} with a rule, ${names.length - withRule.length} replicated with reason.`,
    "",
    ...HOW_TO_READ,
    "",
    "| kernel | inputs | forward rule | gradient works sharded | engines |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
    "## Gradients that tfjs itself has wrong",
    "",
    "The dense operation has the same error, on one rank and without Meshwright. *Wrong* means that the gradient differs from the slope of the operation's values along a line by more than 1 percent.",
    "",
    ...wrongInTfjs(measured).map((line) => `- ${line}`),
    "",
  ].join("\n");
}

const HOW_TO_READ = [
  `This file is written by \`${WRITE_COMMAND}\`, which runs one call or more of each kernel on 2 and 3 ranks, with its inputs laid out in every way on one axis (each split along each dim, or partial, and all split along their first), and compares values and gradients with the dense operation. A test checks that it fits the rules.`,
  "",
  '**Forward rule.** Every line is one way to run the kernel along one mesh axis without moving anything: `S0, R → S0` takes the first input split along dim 0 and the second whole, and gives a result split along dim 0. `R` is `Replicate()`, `S1` is `Shard(1)`, `P` is `Partial("sum")`, `Pmax` and `Pmin` are the other partial values; `*` marks a way that communicates inside the kernel. Inputs that arrive otherwise are moved to the cheapest of the ways, or gathered. A *replicated* kernel gathers its inputs, and every rank computes all of it. The dims are those of the _inputs_ of the call that was measured; images have the batch first and the channels last.',
  "",
  "**Gradient works sharded.** *yes*: equal to the dense gradient in every layout. *part of one*: the kernel computes gradients, and was measured as part of those. *tfjs has none*: the operation is not differentiable in tfjs. *tfjs: wrong* or *tfjs: fails*: so is the dense one, see below.",
  "",
  "**Engines.** Where the values were equal in every layout. *on copies*: the engine lacks the kernel, and Meshwright runs tfjs' plain JavaScript in its place.",
];

function shapesCell(kernel: string, { samples }: Measured): string {
  return samples[kernel]?.inputs.map(({ shape }) => `[${shape.join(", ")}]`).join(" ") ?? "";
}

function forwardCell(kernel: string, rule: Rule | undefined, measured: Measured): string {
  if (rule === undefined) return `replicated: ${replicationReason(kernel) ?? "**no reason given**"}`;
  const sample = measured.samples[kernel];
  if (sample !== undefined) return describeRule(rule, sample);
  return callsOf(kernel, measured).length > 0 ? "has no inputs: whole on every rank" : "has a rule";
}

function callsOf(kernel: string, { calls }: Measured): MeasuredCall[] {
  return calls.filter((call) => call.kernel === kernel);
}

function gradientCell(kernel: string, measured: Measured): string {
  const calls = callsOf(kernel, measured);
  if (calls.length === 0) return runsBackward(kernel, measured) ? "part of one" : "";
  const verdicts = calls.map(({ variant, engines }) => {
    const found = [...new Set(Object.values(engines).map(({ gradient }) => verdictOf(gradient)))];
    return `${variant === undefined ? "" : `${variant}: `}${found.join(" / ")}`;
  });
  return verdicts.join("<br>");
}

function verdictOf(gradient: string): string {
  if (gradient === "equal") return "yes";
  if (gradient === "none") return "tfjs has none";
  return gradient.startsWith("tfjs: ") ? gradient.split(" (")[0]! : `**no**: ${gradient}`;
}

function runsBackward(kernel: string, { calls }: Measured): boolean {
  return calls.some(({ engines }) =>
    Object.values(engines).some(({ backward }) => backward.includes(kernel)),
  );
}

function engineCell(kernel: string, measured: Measured): string {
  const cells = (Object.keys(measured.engines) as EngineName[]).flatMap((engine) => {
    const { kernels, bridged } = measured.engines[engine]!;
    if (!kernels.includes(kernel)) return [];
    if (isOfPage(kernel)) return [];
    const failure = failureOn(engine, kernel, measured);
    if (failure !== undefined) return [`${engine}: **no**: ${failure}`];
    return [`${engine}${bridged.includes(kernel) ? " (on copies)" : ""}`];
  });
  return cells.length === 0 ? "none of these has it" : cells.join(", ");
}

/** Canvas kernels have no meaning outside a page. */
export function isOfPage(kernel: string): boolean {
  return kernel === "Draw" || kernel === "FromPixels";
}

/** Why a kernel does not work on an engine: a value that differs, or no call that met it. */
function failureOn(engine: EngineName, kernel: string, { calls }: Measured): string | undefined {
  const met = calls.flatMap((call) => {
    const outcome = call.engines[engine];
    if (outcome === undefined) return [];
    if (outcome.forward.includes(kernel)) return [outcome.value];
    return outcome.backward.includes(kernel) ? [outcome.gradient] : [];
  });
  if (met.length === 0) return "not measured";
  // A gradient that is wrong in tfjs says nothing about the kernels that it runs.
  return met.find((text) => text !== "equal" && !text.startsWith("tfjs: "));
}

function wrongInTfjs({ calls }: Measured): string[] {
  return calls.flatMap(({ kernel, variant, engines }) => {
    const found = new Map<string, string[]>();
    for (const [engine, { gradient }] of Object.entries(engines)) {
      if (!gradient.startsWith("tfjs: ")) continue;
      found.set(gradient, [...(found.get(gradient) ?? []), engine]);
    }
    const name = `\`${kernel}\`${variant === undefined ? "" : `, ${variant}`}`;
    return [...found].map(
      ([gradient, on]) => `${name} (${on.join(", ")}): ${gradient.slice("tfjs: ".length)}`,
    );
  });
}
