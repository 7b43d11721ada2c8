/**
 * For whom an answer may be kept.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import type { Call, Session } from "../core/handler.ts";
import type { CachedRequest } from "./request_key.ts";

/** Scope of what is for everybody. */
export const EVERYBODY = "*";

/** What decides whose answers a client may get. */
export interface ScopeRules {
  /** Whether each session has the server to itself: then what it answers may depend on the session's past. */
  readonly isPerSession: boolean;
  /** Whether the server is told who asks. */
  readonly isToldIdentity: boolean;
}

/** The client that one spelling of a request came from last. */
interface Asker {
  readonly session: Session;
  readonly owner: string;
  readonly request: CachedRequest;
  readonly scope: string;
}

/** Finds the scopes of calls. */
export class Scopes {
  readonly #rules: ScopeRules;
  #last: Asker | undefined;

  constructor(rules: ScopeRules) {
    this.#rules = rules;
  }

  /** Those who certainly get the same answer as this client where the server does not say for whom it is. */
  of({ session, request: info }: Call, request: CachedRequest): string {
    const owner = ownerOf(info);
    const last = this.#last;
    if (
      last !== undefined && last.session === session && last.owner === owner &&
      last.request.client === request.client
    ) return last.scope;
    const scope = this.#scopeOf(session, owner, request);
    this.#last = { session, owner, request, scope };
    return scope;
  }

  /** The same for an answer that is private; `undefined` where nothing tells one client from another. */
  ofPrivate(call: Call, request: CachedRequest): string | undefined {
    const owner = ownerOf(call.request);
    if (owner !== "") return `private ${this.#scopeOf(call.session, owner, request, owner)}`;
    if (call.session.isSessionless) return undefined;
    return `private session ${call.session.id}\n${request.client}`;
  }

  #scopeOf(session: Session, owner: string, request: CachedRequest, always = ""): string {
    const { isPerSession, isToldIdentity } = this.#rules;
    const who = isPerSession || isToldIdentity ? owner : always;
    const of = isPerSession && !session.isSessionless ? session.id : "";
    return `${who}\n${of}\n${request.client}`;
  }
}

/** Who a client has proved to be, by whatever it has shown; empty for nobody. */
function ownerOf({ identity, tls }: RequestInfo): string {
  const principal = identity === undefined || identity.proof === "none" ? "" : identity.principal;
  if (principal === "" && tls === undefined) return "";
  return `${principal} ${tls?.fingerprint256 ?? ""}`;
}
