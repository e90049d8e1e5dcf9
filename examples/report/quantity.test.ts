import { describe, expect, test } from "vitest";
import { formatBytes, formatLoss, formatMs, formatNumber } from "./quantity.ts";

describe("quantities", () => {
  test.each([
    [0, "0 B"],
    [512, "512 B"],
    [1536, "1.50 KiB"],
    [12 * 1024 * 1024 + 300_000, "12.3 MiB"],
    [300 * 1024 ** 3, "300 GiB"],
    [5000 * 1024 ** 4, "5,000 TiB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [0.417, "0.42 ms"],
    [21.34, "21.3 ms"],
    [385.6, "386 ms"],
    [2049, "2.05 s"],
  ])("%d ms are %s", (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });

  test("numbers have separators and at most three decimals; what is not finite stays readable", () => {
    expect([5312.4567, 824448, 0.5, Number.NaN, -Infinity].map(formatNumber)).toEqual([
      "5,312.457",
      "824,448",
      "0.5",
      "NaN",
      "-Infinity",
    ]);
    expect(formatLoss(2.13749)).toBe("2.137");
  });
});
