/**
 * Upstreams: the handlers at the far end of the path.
 *
 * @module
 */
import type { Call, Handler, Session } from "./handler.ts";

/** Something that answers calls: one server, or a group that behaves like one. */
export interface Upstream extends AsyncDisposable {
  readonly name: string;
  readonly handle: Handler;
  /** Gets ready for a session before its first call; rejects with a `GatewayError` when that is hopeless. */
  prepare?(session: Session): Promise<void>;
  /** Calls in flight. */
  load(): number;
  /** Whether a call handed over now has a chance. */
  ready(): boolean;
}

/** Picks one of the ready upstreams for a call. */
export type Balancer = (ready: readonly Upstream[], call: Call) => Upstream | undefined;
