/**
 * A client's session towards one server that may end before the client does.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Session } from "../core/handler.ts";
import { MemberSession, type NotificationFilter } from "../core/member_session.ts";

/** See the module. */
export class SeatSession extends MemberSession {
  readonly #end: AbortController;

  constructor(
    base: Session,
    member: number,
    filter: NotificationFilter,
    end = new AbortController(),
  ) {
    super(base, member, filter, end.signal);
    this.#end = end;
    const ended = () => end.abort(base.signal.reason);
    if (base.signal.aborted) ended();
    else base.signal.addEventListener("abort", ended, { once: true, signal: end.signal });
  }

  /** Ends it before its client does. */
  end(): void {
    this.#end.abort(new GatewayError("InternalError", "Cannot use connection: it was given up"));
  }
}
