/**
 * The limit of sessions of one account where a gateway is several processes: each knows its own, and asks the
 * others before a handshake.
 *
 * @module
 */
import { accountOf, identityOf } from "../core/account.ts";
import type { Policy } from "../core/handler.ts";
import { tooManyOfOne } from "./registry.ts";

/** What the limit is found out with. */
export interface SessionsElsewhereOptions {
  /** Whether there are others. */
  readonly hasOthers: () => boolean;
  /** Sessions of one account, at most. */
  readonly max: () => number;
  /** Those here, the one that is being opened included. */
  readonly here: (account: string) => number;
  /** Those at each of the others that answer in time. */
  readonly elsewhere: (account: string) => Promise<readonly number[]>;
}

/**
 * A layer that refuses a handshake when the client has too many sessions, all processes together. Of several
 * handshakes at the same moment more may be refused than need be, never fewer; a process that does not answer in
 * time counts as empty.
 */
export function sessionsElsewhere(options: SessionsElsewhereOptions): Policy {
  return (next) => (call) => {
    if (call.message.method !== "initialize" || !options.hasOthers()) return next(call);
    const account = accountOf(call.request, identityOf(call));
    if (account === undefined || call.session.isSessionless) return next(call);
    return options.elsewhere(account).then((counts) => {
      const all = counts.reduce((sum, count) => sum + count, options.here(account));
      if (all > options.max()) throw tooManyOfOne(options.max());
      return next(call);
    });
  };
}
