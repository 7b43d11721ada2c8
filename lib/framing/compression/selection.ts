/**
 * Which compression is worth its time for how many bytes.
 *
 * @module
 */
import type { CompressionName } from "./compressor.ts";

/** What the choice depends on. */
export interface CompressionLoad {
  /** Size before compression, bytes. */
  readonly bytes: number;
  /** What compression may add to the latency, ms. */
  readonly latencyBudgetMs: number;
  /** Share of the processor that is idle, 0..1. */
  readonly cpuFree: number;
}

/** What has been measured on this machine; each figure may be unknown. */
export interface CompressionFacts {
  /** Whether both ends have it. */
  isAvailable(name: CompressionName): boolean;
  /** What compressing so many bytes has cost lately, ms. */
  costMs(name: CompressionName, bytes: number): number | undefined;
}

const SMALL_BYTES = 1024;
const LARGE_BYTES = 10 * 1024;
const TIGHT_BUDGET_MS = 5;
const AMPLE_BUDGET_MS = 10;
const LZ4_CPU_FREE = 0.2;
const ZSTD_CPU_FREE = 0.5;

/**
 * The rule: below 1 KiB none; with less than 5 ms and a fifth of the processor free lz4; above 10 KiB with
 * more than 10 ms and half of the processor free zstd 3; else gzip.
 */
export function selectCompression(
  { bytes, latencyBudgetMs, cpuFree }: CompressionLoad,
): "none" | "lz4" | "zstd" | "gzip" {
  if (bytes < SMALL_BYTES) return "none";
  if (latencyBudgetMs < TIGHT_BUDGET_MS && cpuFree > LZ4_CPU_FREE) return "lz4";
  const isWorthZstd = bytes > LARGE_BYTES && latencyBudgetMs > AMPLE_BUDGET_MS;
  return isWorthZstd && cpuFree > ZSTD_CPU_FREE ? "zstd" : "gzip";
}

/** From the most thorough to the cheapest. */
const STEPS_DOWN = ["zstd-19", "zstd", "gzip", "lz4", "none"] as const;

/**
 * The first of a choice and what is cheaper that both ends have and that has not been measured to take
 * longer than the budget.
 */
export function affordableCompression(
  wanted: CompressionName,
  { bytes, latencyBudgetMs }: CompressionLoad,
  facts: CompressionFacts,
): CompressionName {
  const isAffordable = (name: CompressionName) =>
    facts.isAvailable(name) && (facts.costMs(name, bytes) ?? 0) <= latencyBudgetMs;
  if (isAffordable(wanted)) return wanted;
  const from = STEPS_DOWN.indexOf(wanted as typeof STEPS_DOWN[number]);
  return STEPS_DOWN.slice(from + 1).find(isAffordable) ?? "none";
}
