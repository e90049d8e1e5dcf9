import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContractError } from "@meshwright/core";
import { afterAll, describe, expect, expectTypeOf, test } from "vitest";
import { markup } from "./html.ts";
import { renderPage } from "./page.ts";
import type { ReportData } from "./report-data.ts";
import type { Section } from "./section.ts";
import { trainingSections } from "./training-sections.ts";
import { writeReport } from "./write-report.ts";

const data: ReportData = {
  title: "GPT & <whales>",
  command: `pnpm start --prompt "<b>"`,
  config: { layers: 4, parameters: 824_448, checked: false, mesh: "dp=1,tp=2" },
  losses: [4.5, 4, 3.5, 3.25, 3],
  validation: [
    { step: 0, loss: 4.625 },
    { step: 5, loss: 3.125 },
  ],
  unigramEntropy: 3.0802,
  communication: [
    {
      axis: "tp",
      collective: "allReduce",
      callsPerStep: 18,
      bytesPerStep: 3072,
      predicted: { callsPerStep: 18, bytesPerStep: 3072 },
    },
    {
      axis: "dp",
      collective: "allGather",
      callsPerStep: 2,
      bytesPerStep: 512,
      predicted: { callsPerStep: 3, bytesPerStep: 512 },
    },
  ],
  memory: [
    { rank: 0, parameters: 1024, optimizer: 2048, activations: 5120 },
    { rank: 1, parameters: 512, optimizer: 2048 },
  ],
  sample: { prompt: "Call me", continuation: ` <script>alert("x")</script>` },
  tokensPerSecond: 5312.4,
  stepMs: 400,
  stepBreakdown: [
    { name: "forward", ms: 100 },
    { name: "backward", ms: 260 },
  ],
  environment: { engine: "wasm", date: "2026-01-02" },
};

const empty: ReportData = {
  title: "Nothing",
  command: "pnpm start",
  config: {},
  losses: [],
  validation: [],
  communication: [],
  memory: [],
  tokensPerSecond: 0,
  stepMs: 1,
  environment: {},
};

/** The text of all cells, line by line. */
function cells(page: string, caption: string): string[][] {
  const [, table = ""] = new RegExp(`<caption>${caption}</caption>([^]*?)</table>`).exec(page) ?? [];
  return [...table.matchAll(/<tr>([^]*?)<\/tr>/g)].map(([, line = ""]) =>
    [...line.matchAll(/<t[hd][^>]*>([^]*?)<\/t[hd]>/g)].map(([, cell = ""]) => cell.replace(/<[^>]*>/g, "")),
  );
}

const headings = (page: string) =>
  [...page.matchAll(/<h2[^>]*>([^<]*)<\/h2>/g)].map(([, heading]) => heading);

describe("a training report", () => {
  const page = renderPage(data, trainingSections);

  test("has its sections in order", () => {
    expect(headings(page)).toEqual([
      "Result",
      "Loss",
      "Sample",
      "Communication",
      "Memory",
      "Step time",
      "Configuration",
      "Environment",
    ]);
  });

  test("asks for nothing: no link, no script, no address of another file", () => {
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    const addresses = page.match(/\b(?:src|href|srcset|action)=|url\(|@import|<script|<link|<img/gi);
    expect(addresses?.filter((found) => found !== "url(") ?? []).toEqual([]);
    expect(
      [...page.matchAll(/url\(([^)]*)\)/g)].every(([, target]) => target?.startsWith("#") === true),
    ).toBe(true);
    expect(
      page.match(/https?:\/\/[^"\s]*/g)?.filter((address) => !address.startsWith("http://www.w3.org/")),
    ).toEqual([]);
  });

  test("escapes everything that comes from the data", () => {
    expect(page).toContain("<title>GPT &amp; &lt;whales&gt;</title>");
    expect(page).toContain("<h1>GPT &amp; &lt;whales&gt;</h1>");
    expect(page).toContain("--prompt &quot;&lt;b&gt;&quot;");
    expect(page).toContain("<mark>Call me</mark> &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;");
  });

  test("describes the chart in words, once per size, with ids of its own", () => {
    const description =
      "Training loss goes from 4.500 to 3.000 nats per token in 5 steps. Validation loss ends at 3.125. The unigram entropy is 3.080.";
    for (const size of ["wide", "narrow"]) {
      expect(page).toContain(`aria-labelledby="loss-${size}-title loss-${size}-desc"`);
      expect(page).toContain(`<desc id="loss-${size}-desc">${description}</desc>`);
    }
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target = ""] of page.matchAll(/url\(#([^)]*)\)/g)) expect(ids).toContain(target);
  });

  test("names the curves and takes its colours from the page", () => {
    for (const name of ["training, each step", "training, smoothed", "validation", "unigram entropy"]) {
      expect(page.split(`>${name}</text>`)).toHaveLength(3); // once in each size
    }
    expect(page).toContain('stroke="var(--chart-primary)"');
    expect(page).toMatch(/stroke="var\(--chart-reference\)"[^>]*stroke-dasharray="6,4"/);
    expect(page).not.toContain("#0101");
  });

  test("shows communication with its sum, and whether the prediction holds", () => {
    expect(cells(page, "Per step and rank")).toEqual([
      ["Axis", "Collective", "Calls", "Bytes sent", "Calls predicted", "Bytes predicted", "Agrees"],
      ["tp", "allReduce", "18", "3.00 KiB", "18", "3.00 KiB", "yes"],
      ["dp", "allGather", "2", "512 B", "3", "512 B", "no"],
      ["all", "", "20", "3.50 KiB", "21", "3.50 KiB", "no"],
    ]);
  });

  test("leaves the prediction out where there is none", () => {
    const measured = data.communication.map(({ axis, collective, callsPerStep, bytesPerStep }) => ({
      axis,
      collective,
      callsPerStep,
      bytesPerStep,
    }));
    const [head] = cells(
      renderPage({ ...data, communication: measured }, trainingSections),
      "Per step and rank",
    );
    expect(head).toEqual(["Axis", "Collective", "Calls", "Bytes sent"]);
    const mixed = renderPage(
      { ...data, communication: [data.communication[0]!, measured[1]!] },
      trainingSections,
    );
    expect(cells(mixed, "Per step and rank").slice(2)).toEqual([
      ["dp", "allGather", "2", "512 B", "–", "–", "–"],
      ["all", "", "20", "3.50 KiB", "–", "–", "–"],
    ]);
  });

  test("shows the parts of the memory that some rank has, and their sum", () => {
    expect(cells(page, "Live bytes on each rank")).toEqual([
      ["Rank", "Parameters", "Optimizer", "Activations", "Sum"],
      ["0", "1.00 KiB", "2.00 KiB", "5.00 KiB", "8.00 KiB"],
      ["1", "512 B", "2.00 KiB", "0 B", "2.50 KiB"],
    ]);
  });

  test("shows where the time of a step goes, and what is left over", () => {
    const bars = [...page.matchAll(/<dt>(\w+)<\/dt>\s*<dd>\s*<span class="bar" style="width: ([\d.]+)%">/g)];
    expect(bars.map(([, name, width]) => [name, width])).toEqual([
      ["forward", "25.0"],
      ["backward", "65.0"],
      ["rest", "10.0"],
    ]);
  });

  test("says so where the loss is not finite, and still draws the rest", () => {
    const diverged = renderPage({ ...data, losses: [4, Number.NaN, 3, Infinity] }, trainingSections);
    expect(diverged).toContain("The loss is not a finite number in 2 of 4 steps, first in step 2.");
    expect(diverged).not.toMatch(/ d="[^"]*(NaN|Infinity)/);
  });

  test("without data has a heading and the two figures that always exist", () => {
    const page = renderPage(empty, trainingSections);
    expect(headings(page)).toEqual(["Result"]);
    expect([...page.matchAll(/<span class="name">([^<]*)<\/span>/g)].map(([, name]) => name)).toEqual([
      "Speed",
      "Step",
    ]);
  });
});

describe("writeReport", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-report-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("creates the folder, writes the page, and takes further sections with further data", () => {
    interface WithHeatMap extends ReportData {
      readonly load: readonly number[];
    }
    const heatMap: Section<WithHeatMap> = ({ load }) => ({
      heading: "Expert load",
      body: markup`<p>${load.join()}</p>`,
    });
    const file = writeReport(join(folder, "a", "b"), {
      data: { ...empty, load: [3, 5] },
      sections: [...trainingSections, heatMap],
    });
    expect(file).toBe(join(folder, "a", "b", "report.html"));
    const page = readFileSync(file, "utf8");
    expect(headings(page)).toEqual(["Result", "Expert load"]);
    expect(page).toContain("<p>3,5</p>");
    expectTypeOf<Section<ReportData>>().toExtend<Section<WithHeatMap>>();
    expectTypeOf<Section<WithHeatMap>>().not.toExtend<Section<ReportData>>();
  });

  test("a folder that cannot be created is an error", () => {
    const blocked = join(folder, "file");
    writeFileSync(blocked, "");
    const write = () => writeReport(blocked, { data: empty, sections: trainingSections });
    expect(write).toThrow(ContractError);
    expect(write).toThrow(
      `writeReport: folder (${blocked}) must be a folder that can be created and written to (EEXIST: file already exists, mkdir '${blocked}'); use another path.`,
    );
  });
});
