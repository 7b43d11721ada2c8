/**
 * A WebSocket that lets its owner answer the peer's close frame. The library does it at once, and after it
 * nothing can be sent any more: a client that sends its calls and closes would get no answer. RFC 6455,
 * 5.5.1, allows the delay.
 *
 * @module
 */
import { WebSocket } from "./library.ts";

/** The class of all our WebSockets. */
export class HalfClosingWebSocket extends WebSocket {
  /**
   * Called instead of closing when the peer has closed, and when it sent what cannot be understood (an
   * `error` event follows at once).
   */
  onCloseWanted: ((code: number | undefined) => void) | undefined;

  /** Only the library calls this. */
  override close(code?: number, reason?: string | Uint8Array): void {
    if (this.onCloseWanted === undefined) super.close(code, reason);
    else this.onCloseWanted(code);
  }

  /** Sends the close frame. */
  closeNow(code?: number, reason?: Uint8Array): void {
    super.close(code, reason);
  }
}
