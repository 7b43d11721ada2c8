/**
 * Ids of traces and spans, and which traces are recorded.
 *
 * @module
 */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const WORD = 2 ** 32;
/** Bits that decide: the last 56 of a trace id, as every sampler by ratio uses them. */
const DECIDING_DIGITS = 14;

/** 8 hexadecimal digits; a table costs a quarter of `toString(16)`. */
function digits(word: number): string {
  return HEX[word >>> 24] + HEX[word >>> 16 & 255] + HEX[word >>> 8 & 255] + HEX[word & 255];
}

function randomWord(): number {
  return Math.random() * WORD >>> 0;
}

/** The id of a new span; never the invalid one of zeros. */
export function newSpanId(): string {
  return digits(randomWord()) + digits(randomWord() | 1);
}

/**
 * The id of a new trace. Not a secret, so not from the slow source of random bytes.
 */
export function newTraceId(): string {
  return digits(randomWord()) + digits(randomWord()) + digits(randomWord()) +
    digits(randomWord() | 1);
}

/**
 * Whether a trace is among the share that is recorded: everybody who has the same share decides the same.
 *
 * Source: OpenTelemetry, TraceState probability sampling (the last 56 bits against a threshold).
 */
export function isInShare(traceId: string, share: number): boolean {
  if (share >= 1) return true;
  if (share <= 0) return false;
  return parseInt(traceId.slice(-DECIDING_DIGITS), 16) >= (1 - share) * 2 ** 56;
}
