/**
 * What compression has brought and cost: for `sluice_compression_ratio`, and for choosing.
 *
 * @module
 */
import { monotonicMs } from "../../core/clock.ts";
import type { CompressionName, Compressor } from "./compressor.ts";
import { countCompressed } from "./process_totals.ts";

/** One compressed piece. */
export interface CompressionObservation {
  readonly name: CompressionName;
  readonly plainBytes: number;
  readonly wireBytes: number;
  /** Time it took, ms. */
  readonly cpuMs: number;
}

/** Sums over all pieces of one compression. */
export interface CompressionTotals {
  readonly pieces: number;
  readonly plainBytes: number;
  readonly wireBytes: number;
  readonly cpuMs: number;
}

/** What a byte has cost. */
interface Cost {
  msPerByte: number;
  pieces: number;
  atMs: number;
}

/** Weight of the newest piece in the moving average. */
const NEWEST_WEIGHT = 0.1;
/** A piece counts as so many times the average at most: a pause of the collector is no cost of compression. */
const OUTLIER = 2;
/** Until so many pieces the cheapest of them counts: the first ones run uncompiled. */
const WARM_UP_PIECES = 8;
/** An older average says nothing any more; without that, what was once too dear would never be tried again. ms */
const STALE_MS = 10_000;
/** Upper ends of the size classes: what a byte costs depends on how many there are. */
const CLASS_BYTES = [10 * 1024, 100 * 1024];

/** Measures compressors. May be shared by any number of connections. */
export class CompressionMeter {
  readonly #onPiece: ((observation: CompressionObservation) => void) | undefined;
  readonly #totals = new Map<CompressionName, CompressionTotals>();
  /** By name and size class. */
  readonly #costs = new Map<string, Cost>();

  /** @param onPiece told of each piece, for metrics */
  constructor(onPiece?: (observation: CompressionObservation) => void) {
    this.#onPiece = onPiece;
  }

  /** Compresses and measures. */
  compress(compressor: Compressor, bytes: Uint8Array): Uint8Array {
    const startMs = monotonicMs();
    const compressed = compressor.compress(bytes);
    this.observe({
      name: compressor.name,
      plainBytes: bytes.length,
      wireBytes: compressed.length,
      cpuMs: monotonicMs() - startMs,
    });
    return compressed;
  }

  /** Takes a measurement. */
  observe(observation: CompressionObservation): void {
    const { name, plainBytes, wireBytes, cpuMs } = observation;
    countCompressed(name, plainBytes, wireBytes);
    const before = this.totals(name);
    this.#totals.set(name, {
      pieces: before.pieces + 1,
      plainBytes: before.plainBytes + plainBytes,
      wireBytes: before.wireBytes + wireBytes,
      cpuMs: before.cpuMs + cpuMs,
    });
    if (plainBytes > 0) this.#learn(classOf(name, plainBytes), cpuMs / plainBytes);
    this.#onPiece?.(observation);
  }

  /** What one compression has done so far. */
  totals(name: CompressionName): CompressionTotals {
    return this.#totals.get(name) ?? { pieces: 0, plainBytes: 0, wireBytes: 0, cpuMs: 0 };
  }

  /** Plain bytes for each byte sent; 1 before anything was measured. */
  ratio(name: CompressionName): number {
    const { plainBytes, wireBytes } = this.totals(name);
    return wireBytes === 0 ? 1 : plainBytes / wireBytes;
  }

  /** What so many bytes would take by the recent pieces of their size, ms; `undefined` when there are none. */
  costMs(name: CompressionName, bytes: number): number | undefined {
    const cost = this.#costs.get(classOf(name, bytes));
    if (cost === undefined || cost.pieces < WARM_UP_PIECES) return undefined;
    return monotonicMs() - cost.atMs > STALE_MS ? undefined : cost.msPerByte * bytes;
  }

  #learn(key: string, msPerByte: number): void {
    const cost = this.#costs.get(key);
    if (cost === undefined) {
      this.#costs.set(key, { msPerByte, pieces: 1, atMs: monotonicMs() });
      return;
    }
    const known = cost.msPerByte;
    if (++cost.pieces <= WARM_UP_PIECES) cost.msPerByte = Math.min(known, msPerByte);
    else cost.msPerByte += NEWEST_WEIGHT * (Math.min(msPerByte, OUTLIER * known) - known);
    cost.atMs = monotonicMs();
  }
}

function classOf(name: CompressionName, bytes: number): string {
  return `${name} ${CLASS_BYTES.filter((end) => bytes > end).length}`;
}
