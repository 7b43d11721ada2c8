/**
 * How much of what costs the server more than the client one HTTP/2 connection may send. Each limit stands
 * beside those of servers in wide use; what a request or an answer brings with it by itself is granted on top,
 * so that a busy connection is not taken for a flood.
 *
 * @module
 */
import type { AllowanceLimit } from "./allowance.ts";

/** Most bytes of a frame's payload: SETTINGS_MAX_FRAME_SIZE as hyper announces it, the least there is. */
export const FRAME_BYTES_MAX = 16 * 1024;

/**
 * Most bytes of a block of header fields. hyper answers 431 to a request with more than 16 KiB of them, which
 * is kinder to a client with one cookie too many; this is for blocks that go on (cowboy: 32 KiB).
 */
export const HEADER_BLOCK_BYTES_MAX = 32 * 1024;

/** Most CONTINUATION frames of a block (nghttp2: 8; h2, beneath hyper, with these sizes: 5, but its GOAWAY gets lost). */
export const CONTINUATIONS_MAX = 5;

/** Most bytes of a SETTINGS frame: 32 settings (nghttp2). */
export const SETTINGS_BYTES_MAX = 32 * 6;

/**
 * Streams that the client resets before their answer: all that can be open, and then 500 in 10 s (cowboy;
 * nghttp2: 1000 and 33/s). 1000 at once took 33 MB, 200 take 13.
 */
export const RESETS: AllowanceLimit = { burst: 200, perSecond: 50 };

/** Of {@link RESETS}, for a stream that was answered: who cancels half of their calls is no flood (Envoy). */
export const RESETS_PER_ANSWER = 1;

/** Streams that hyper resets as too many, or frames on those that have ended (h2: 1024 errors). */
export const REFUSALS: AllowanceLimit = { burst: 1000, perSecond: 33 };

/** A client sends one SETTINGS and one acknowledgement (nghttp2, Envoy: 1000 answers that wait). */
export const SETTINGS: AllowanceLimit = { burst: 100, perSecond: 10 };

/** PING (nghttp2, Envoy: 1000 answers that wait). */
export const PINGS: AllowanceLimit = { burst: 1000, perSecond: 100 };

/** Of {@link PINGS}, for a frame of data sent: clients measure their bandwidth with it. */
export const PINGS_PER_DATA = 1;

/** WINDOW_UPDATE. */
export const WINDOW_UPDATES: AllowanceLimit = { burst: 1000, perSecond: 100 };

/** Of {@link WINDOW_UPDATES}, for a new stream (Envoy: 2). */
export const WINDOW_UPDATES_PER_STREAM = 2;

/** Of {@link WINDOW_UPDATES}, for a frame of data sent (Envoy: twice 10). */
export const WINDOW_UPDATES_PER_DATA = 20;

/** DATA that neither carries this many bytes nor ends a body is a trickle. */
export const TRICKLE_BYTES = 64;

/** Frames of DATA that trickle (Envoy: 1 empty frame). */
export const TRICKLES: AllowanceLimit = { burst: 1000, perSecond: 100 };

/** What means little or nothing to a server: PRIORITY, trailers, frames without a meaning (Envoy: 100 PRIORITY). */
export const OTHERS: AllowanceLimit = { burst: 1000, perSecond: 100 };

/** Of {@link TRICKLES} and of {@link OTHERS}, for a new stream (Envoy: 100 PRIORITY). */
export const OTHERS_PER_STREAM = 10;

/**
 * Requests that hyper refuses without asking us: against the rules, or with too many header fields, also when
 * few bytes unfold to them, at 4 ms each. HTTP/1.1 closes after the first.
 */
export const FAULTS: AllowanceLimit = { burst: 10, perSecond: 1 };
