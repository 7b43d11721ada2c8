/**
 * Counts the frames of one HTTP/2 connection and says when a client floods: what hyper takes without a limit,
 * and what it limits so late, or ends so abruptly, that memory or the reason is lost.
 *
 * @module
 */
import { Allowance } from "./allowance.ts";
import * as limits from "./flood_limits.ts";
import { type FrameHead, FrameScanner } from "./frame_scanner.ts";
import { OpenedStreams } from "./opened_streams.ts";
import { END_STREAM, ErrorCode, FrameType, PADDED, PADDING_BYTES_MAX } from "./wire.ts";

/** Why a connection must end. */
export interface Violation {
  /** Of {@link ErrorCode}. */
  readonly code: number;
  /** In words that fit into a GOAWAY. */
  readonly reason: string;
  /** hyper has told the client by itself. */
  readonly isSaid: boolean;
}

/** Codes of RST_STREAM by which hyper says that a client was early or late, as the best are now and then. */
const UNTIMELY: ReadonlySet<number> = new Set([ErrorCode.streamClosed, ErrorCode.refusedStream]);
/** And that it was wrong. */
const WRONG: ReadonlySet<number> = new Set([
  ErrorCode.protocolError,
  ErrorCode.flowControlError,
  ErrorCode.frameSizeError,
]);

/** Streams at once that hyper allows. */
const STREAMS_MAX = 200;

/** One per connection. Sees all bytes of both directions after the client's preface. */
export class FrameGuard {
  /** The newest stream that the client has opened. */
  lastStream = 0;
  /** The client has been told by hyper that the connection ends. */
  isLeaving = false;
  readonly #client = new FrameScanner((head) => this.#onClient(head));
  readonly #server = new FrameScanner((head) => this.#onServer(head));
  readonly #resets: Allowance;
  readonly #refusals: Allowance;
  readonly #settings: Allowance;
  readonly #pings: Allowance;
  readonly #windowUpdates: Allowance;
  readonly #trickles: Allowance;
  readonly #others: Allowance;
  readonly #faults: Allowance;
  readonly #streams = new OpenedStreams();
  #violation: Violation | undefined;
  /** Whose reset waits until hyper has accepted it. */
  #awaited = 0;
  #blockBytes = 0;
  #continuations = 0;
  /** Requests that we were asked, and whose answers have not passed. */
  #asked = 0;

  /** @param now monotonic milliseconds */
  constructor(now?: () => number) {
    this.#resets = new Allowance(limits.RESETS, now);
    this.#refusals = new Allowance(limits.REFUSALS, now);
    this.#settings = new Allowance(limits.SETTINGS, now);
    this.#pings = new Allowance(limits.PINGS, now);
    this.#windowUpdates = new Allowance(limits.WINDOW_UPDATES, now);
    this.#trickles = new Allowance(limits.TRICKLES, now);
    this.#others = new Allowance(limits.OTHERS, now);
    this.#faults = new Allowance(limits.FAULTS, now);
  }

  /** Whether the server's direction stands between two frames, so that one of our own can follow. */
  get isBetween(): boolean {
    return this.#server.isBetween;
  }

  /** Why the connection must end, if it must. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  /** Whether the reset that {@link fromClient} has stopped at would be too early. */
  get isEarly(): boolean {
    return this.#awaited > 0 && this.#streams.isUntaken(this.#awaited);
  }

  /** That reset is not going to wait any longer. */
  giveUp(): void {
    this.#streams.settle(this.#awaited);
  }

  /** A request has reached us. */
  asked(): void {
    this.#streams.take();
    this.#asked = Math.min(this.#asked + 1, STREAMS_MAX);
  }

  /**
   * Sees bytes of the client, from an offset on, up to the end of a reset that is early. Returns where it has
   * come to.
   */
  fromClient(bytes: Uint8Array, from = 0): number {
    this.#awaited = 0;
    return this.#client.push(bytes, from);
  }

  /** Sees bytes of the server. */
  fromServer(bytes: Uint8Array): void {
    this.#server.push(bytes);
  }

  /** Sees bytes of the server up to the end of the frame that has begun. Returns how many those are. */
  restOfFrame(bytes: Uint8Array): number {
    return this.#server.push(bytes, 0, true);
  }

  #onClient(head: FrameHead): boolean | void {
    const { length, type, flags, stream } = head;
    if (length > limits.FRAME_BYTES_MAX) {
      return this.#violate("frame_too_large", ErrorCode.frameSizeError);
    }
    switch (type) {
      case FrameType.data:
        if (carriedBytes(length, flags) >= limits.TRICKLE_BYTES || (flags & END_STREAM)) return;
        return this.#spend(this.#trickles, "too_many_small_data_frames");
      case FrameType.headers:
        return this.#onHeaders(head);
      case FrameType.continuation:
        return this.#onContinuation(length);
      case FrameType.reset:
        return this.#onReset(stream);
      case FrameType.settings:
        if (length > limits.SETTINGS_BYTES_MAX) this.#violate("too_many_settings");
        return this.#spend(this.#settings, "too_many_settings");
      case FrameType.ping:
        return this.#spend(this.#pings, "too_many_pings");
      case FrameType.windowUpdate:
        return this.#spend(this.#windowUpdates, "too_many_window_updates");
      default:
        return this.#spend(this.#others, "too_many_idle_frames");
    }
  }

  #onHeaders({ length, stream }: FrameHead): void {
    this.#continuations = 0;
    this.#blockBytes = length;
    if (stream <= this.lastStream) return this.#spend(this.#others, "too_many_idle_frames");
    this.lastStream = stream;
    this.#streams.open(stream);
    this.#windowUpdates.grant(limits.WINDOW_UPDATES_PER_STREAM);
    this.#trickles.grant(limits.OTHERS_PER_STREAM);
    this.#others.grant(limits.OTHERS_PER_STREAM);
  }

  /** hyper ends a connection with 20 streams that were reset before it could accept them. */
  #onReset(stream: number): boolean {
    const isEarly = this.#streams.isUntaken(stream);
    if (isEarly) this.#awaited = stream;
    // The others have cost no more than any request; some clients reset what they have cancelled once more.
    if (this.#streams.cancel(stream)) this.#spend(this.#resets, "too_many_resets");
    else this.#spend(this.#others, "too_many_idle_frames");
    return isEarly;
  }

  #onContinuation(length: number): void {
    this.#blockBytes += length;
    const isTooMany = ++this.#continuations > limits.CONTINUATIONS_MAX;
    if (isTooMany) this.#violate("too_many_continuations");
    else if (this.#blockBytes > limits.HEADER_BLOCK_BYTES_MAX) this.#violate("headers_too_large");
  }

  #onServer({ length, type, stream, code }: FrameHead): void {
    if (type === FrameType.data) {
      if (length === 0) return;
      this.#pings.grant(limits.PINGS_PER_DATA);
      this.#windowUpdates.grant(limits.WINDOW_UPDATES_PER_DATA);
    } else if (type === FrameType.headers) {
      if (this.#streams.settle(stream)) this.#resets.grant(limits.RESETS_PER_ANSWER);
      if (this.#asked > 0) this.#asked--;
      else this.#spend(this.#faults, "too_many_bad_requests");
    } else if (type === FrameType.reset) {
      this.#streams.settle(stream);
      if (UNTIMELY.has(code)) this.#spend(this.#refusals, "too_many_refusals");
      else if (WRONG.has(code)) this.#spend(this.#faults, "too_many_bad_requests");
    } else if (type === FrameType.goAway) {
      this.isLeaving = true;
      if (code === ErrorCode.none) return;
      this.#violation ??= { code, reason: `connection_error_${code}`, isSaid: true };
    }
  }

  #spend(allowance: Allowance, reason: string): void {
    if (!allowance.take()) this.#violate(reason);
  }

  #violate(reason: string, code: number = ErrorCode.enhanceYourCalm): void {
    this.#violation ??= { code, reason, isSaid: false };
  }
}

/** Of a frame of data, at least. */
function carriedBytes(length: number, flags: number): number {
  return (flags & PADDED) === 0 ? length : length - PADDING_BYTES_MAX;
}
