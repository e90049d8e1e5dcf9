import { describe, expect, test } from "vitest";
import { communicationSteps, type Step } from "./communication.ts";
import type { Schedule } from "./schedule.ts";
import { interleaved1F1B } from "./schedules/interleaved-1f1b.ts";
import { oneFOneB } from "./schedules/one-f-one-b.ts";
import { zbV } from "./schedules/zbv.ts";

/** `<` receive, `>` send, a activation, g gradient, micro-batch, `@` peer. */
function write(step: Step): string {
  if (step.kind === "action") return `${step.action.kind}${step.action.microBatch}/${step.stage}`;
  const { payload, microBatch, from, to } = step.message;
  const arrow =
    step.kind === "send" ? `>${payload[0]}${microBatch}@${to}` : `<${payload[0]}${microBatch}@${from}`;
  return arrow;
}

function stepsOf(schedule: Schedule): string[] {
  return communicationSteps(schedule).map((steps) => steps.map(write).join(" "));
}

describe("communicationSteps", () => {
  test("of 1F1B pass activations down and gradients up", () => {
    expect(stepsOf(oneFOneB({ numRanks: 3, numMicroBatches: 2 }))).toEqual([
      "F0/0 >a0@1 F1/0 >a1@1 <g0@1 B0/0 <g1@1 B1/0",
      "<a0@0 F0/1 >a0@2 <a1@0 F1/1 >a1@2 <g0@2 B0/1 >g0@0 <g1@2 B1/1 >g1@0",
      "<a0@1 F0/2 B0/2 >g0@1 <a1@1 F1/2 B1/2 >g1@1",
    ]);
  });

  test("of interleaved 1F1B go round from the last rank to the first", () => {
    expect(stepsOf(interleaved1F1B({ numRanks: 2, numMicroBatches: 2, chunksPerRank: 2 }))[1]).toBe(
      "<a0@0 F0/1 >a0@0 <a1@0 F1/1 >a1@0 <a0@0 F0/3 B0/3 >g0@0 <a1@0 F1/3 B1/3 >g1@0 <g0@0 B0/1 >g0@0 <g1@0 B1/1 >g1@0",
    );
  });

  test("of ZBV need no message at the turn, and none for W", () => {
    expect(stepsOf(zbV({ numRanks: 2, numMicroBatches: 1 }))).toEqual([
      "F0/0 >a0@1 <a0@1 F0/3 I0/3 >g0@1 W0/3 <g0@1 I0/0 W0/0",
      "<a0@0 F0/1 F0/2 >a0@0 <g0@0 I0/2 W0/2 I0/1 >g0@0 W0/1",
    ]);
  });

  test("of one rank are its actions", () => {
    expect(stepsOf(oneFOneB({ numRanks: 1, numMicroBatches: 2 }))).toEqual(["F0/0 B0/0 F1/0 B1/0"]);
  });

  test("give every message a tag of its own, the same on both sides", () => {
    const steps = communicationSteps(
      interleaved1F1B({ numRanks: 3, numMicroBatches: 6, chunksPerRank: 2 }),
    ).flat();
    const sent = steps.flatMap((step) => (step.kind === "send" ? [step.message] : []));
    const received = steps.flatMap((step) => (step.kind === "receive" ? [step.message] : []));
    const byTag = (a: { tag: number }, b: { tag: number }) => a.tag - b.tag;
    expect(new Set(sent.map(({ tag }) => tag)).size).toBe(2 * 6 * 5);
    expect(sent.toSorted(byTag)).toEqual(received.toSorted(byTag));
  });
});
