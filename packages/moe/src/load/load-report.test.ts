import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import type { ExpertLoadRecord } from "./expert-load-record.ts";
import { LoadRecorder } from "./load-recorder.ts";
import { loadReport } from "./load-report.ts";
import type { LoadWarning } from "./load-watch.ts";

const record = (
  layer: string,
  step: number | undefined,
  counts: readonly number[],
  dropped = 0,
): ExpertLoadRecord => ({ layer, step, counts: Int32Array.from(counts), dropped, tokens: 6 });

describe("LoadRecorder", () => {
  test("keeps layers apart, adds micro-batches of a step, and leaves the records alone", () => {
    const recorder = new LoadRecorder();
    const first = record("a", 1, [4, 2, 6], 1);
    const { record: add } = recorder;
    add(first);
    add(record("b", 1, [1, 11]));
    add(record("a", 1, [1, 5, 0], 2));
    add(record("a", 3, [12, 0, 0]));
    expect(recorder.history).toEqual([
      {
        layer: "a",
        numExperts: 3,
        steps: [
          { step: 1, counts: [5, 7, 6], dropped: 3, tokens: 12 },
          { step: 3, counts: [12, 0, 0], dropped: 0, tokens: 6 },
        ],
      },
      { layer: "b", numExperts: 2, steps: [{ step: 1, counts: [1, 11], dropped: 0, tokens: 6 }] },
    ]);
    expect([...first.counts]).toEqual([4, 2, 6]);
    expect(structuredClone(recorder.history)).toEqual(recorder.history);
  });

  test("warns once, when the step is complete, of what its micro-batches add up to", () => {
    const warnings: LoadWarning[] = [];
    const onWarning = (warning: LoadWarning): void => void warnings.push(warning);
    const recorder = new LoadRecorder({ onWarning, thresholds: { window: 1 } });
    for (const step of [1, 2, 3]) {
      recorder.record(record("a", step, [60, 0]));
      recorder.record(record("a", step, step === 1 ? [0, 60] : [60, 0])); // step 1 is even in sum
      expect(warnings).toHaveLength(step === 3 ? 1 : 0);
    }
    recorder.record(record("a", 4, [60, 0]));
    expect(warnings).toMatchObject([{ kind: "starving", layer: "a", step: 2, experts: [1] }]);
  });

  test("refuses records without a step, of an earlier step, and of other experts", () => {
    const recorder = new LoadRecorder();
    recorder.record(record("a", 5, [1, 2]));
    expect(() => {
      recorder.record(record("a", undefined, [1, 2]));
    }).toThrow(
      new ContractError(
        "LoadRecorder: record of a: step (undefined) must be a number, so that micro-batches can be told from steps; use setRouterStep(model, step).",
      ),
    );
    expect(() => {
      recorder.record(record("a", 4, [1, 2]));
    }).toThrow("step (4) must not be below the one before it (5); use a new recorder for another run.");
    expect(() => {
      recorder.record(record("a", 6, [1, 2, 3]));
    }).toThrow("counts (length 3) must be of as many experts as before (2); use one name per layer.");
    expect(recorder.history[0]!.steps).toHaveLength(1);
  });

  test("refuses thresholds that are wrong before anything is recorded", () => {
    expect(() => new LoadRecorder({ thresholds: { hot: 1 } })).toThrow(
      "LoadRecorder: hot (1) must be finite and above 1; use for example hot: 2.",
    );
  });
});

describe("loadReport", () => {
  test("has the figures of each step, and those of the last steps together", () => {
    const recorder = new LoadRecorder();
    recorder.record(record("a", 1, [12, 0, 0, 0], 3));
    recorder.record(record("a", 2, [6, 6, 0, 0]));
    recorder.record(record("a", 4, [3, 3, 0, 6], 6));
    const { layers, warnings } = loadReport(recorder.history, { thresholds: { window: 2 } });
    expect(warnings).toEqual([]); // 6 choices per expert in the window: too few to tell
    const [layer] = layers;
    expect(layer).toMatchObject({
      layer: "a",
      numExperts: 4,
      steps: [1, 2, 4],
      counts: [
        [12, 0, 0, 0],
        [6, 6, 0, 0],
        [3, 3, 0, 6],
      ],
      imbalance: [4, 2, 2],
      dropRate: [0.25, 0, 0.5],
      deadExperts: [[1, 2, 3], [2, 3], [2]],
    });
    expect(layer!.entropy[0]).toBe(0);
    expect(layer!.entropy[1]).toBeCloseTo(0.5, 12);
    expect(layer!.entropy[2]).toBeCloseTo(0.75, 12); // 2 (1/4 ln 4) + 1/2 ln 2 = 3/2 ln 2, over ln 4
    expect(layer!.final).toMatchObject({
      numSteps: 2,
      counts: [9, 9, 0, 6],
      imbalance: 2,
      dropRate: 0.25,
      deadExperts: [2],
    });
    expect(layer!.final.entropy).toBeCloseTo(0.625, 12);
  });

  test("has warnings of all layers", () => {
    const recorder = new LoadRecorder();
    for (const step of [1, 2, 3]) {
      recorder.record(record("a", step, [60, 0]));
      recorder.record(record("b", step, [30, 30]));
      recorder.record(record("c", step, [0, 60]));
    }
    const { warnings } = loadReport(recorder.history, { thresholds: { window: 3 } });
    expect(warnings.map(({ layer, step, kind }) => [layer, step, kind])).toEqual([
      ["a", 3, "starving"],
      ["c", 3, "starving"],
    ]);
  });

  test("of nothing is empty; a layer without steps is refused", () => {
    expect(loadReport([])).toEqual({ layers: [], warnings: [] });
    expect(() => loadReport([{ layer: "a", numExperts: 2, steps: [] }])).toThrow(
      "loadReport: steps of a (0) must be at least 1; use the history of a recorder.",
    );
  });
});
