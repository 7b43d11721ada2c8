/**
 * Who is served at all: nobody on the deny list, nobody who is suspected.
 *
 * @module
 */
import { type Addressed, identityOf } from "../core/account.ts";
import type { Admit } from "../core/admission.ts";
import { GatewayError } from "../core/errors.ts";
import type { Policy } from "../core/handler.ts";
import type { Identity } from "../core/identity.ts";
import type { SecurityEvents, SecurityEventType } from "../core/security_event.ts";
import type { DenyList } from "./deny_list.ts";
import type { Suspicion } from "./suspicion.ts";

/** What a gatekeeper asks, and whom it tells. */
export interface GatekeeperOptions {
  readonly denied: DenyList;
  readonly suspicion: Suspicion;
  readonly report: SecurityEvents;
}

/** Stands where connections are accepted, where requests arrive, and in front of every call. */
export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  /** A layer that refuses calls: lists change while connections last, and some principals are proved late. */
  readonly policy: Policy = (next) => (call) => {
    const refusal = this.refusalOf(call.request, identityOf(call));
    if (refusal === undefined) return next(call);
    return call.message.kind === "request" ? Promise.reject(refusal) : Promise.resolve(undefined);
  };

  constructor(options: GatekeeperOptions) {
    this.#options = options;
  }

  /** The same check before anybody is asked who he is: what is refused costs no proof. */
  before(admit: Admit): Admit {
    return (request) => {
      const refusal = this.refusalOf(request);
      if (refusal !== undefined) throw refusal;
      return admit(request);
    };
  }

  /** Whether a connection from an address is to be closed unheard. */
  refusesAddress(address: string): boolean {
    if (this.#isOpen) return false;
    const type = this.#addressProblem(address);
    if (type === undefined) return false;
    this.#options.report({ type, address });
    return true;
  }

  /**
   * Why somebody is not served; `undefined` where he is.
   *
   * @param identity what he has proved; nothing before that was asked
   */
  refusalOf(client: Addressed, identity?: Identity): GatewayError | undefined {
    if (this.#isOpen) return undefined;
    const { address } = client;
    const principal = identity?.principal ?? "";
    const type = this.#problem(address, principal);
    if (type === undefined) return undefined;
    this.#options.report({ type, address, principal: principal || undefined });
    return type === "denied_address" ? DENIED : this.#suspected(address, principal);
  }

  get #isOpen(): boolean {
    const { denied, suspicion } = this.#options;
    return denied.isEmpty && suspicion.isEmpty;
  }

  /** A proved principal answers for itself, not for others who have its address. */
  #problem(address: string, principal: string): SecurityEventType | undefined {
    const { denied, suspicion } = this.#options;
    if (principal === "") return this.#addressProblem(address);
    if (denied.hasPrincipal(principal) || denied.hasAddress(address)) return "denied_address";
    if (suspicion.principalRefusedMs(principal) > 0) return "suspicious_client";
    suspicion.vouch(address);
    return undefined;
  }

  #addressProblem(address: string): SecurityEventType | undefined {
    const { denied, suspicion } = this.#options;
    if (denied.hasAddress(address)) return "denied_address";
    return suspicion.addressRefusedMs(address) > 0 ? "suspicious_client" : undefined;
  }

  #suspected(address: string, principal: string): GatewayError {
    const { suspicion } = this.#options;
    const retryAfterMs = Math.ceil(
      principal === ""
        ? suspicion.addressRefusedMs(address)
        : suspicion.principalRefusedMs(principal),
    );
    return new GatewayError("PolicyDenied", "Cannot accept request: refused for a time", {
      headers: { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) },
      data: { outcome: "not_sent", retryAfterMs },
    });
  }
}

const DENIED = new GatewayError("PolicyDenied", "Cannot accept request: this client is denied", {
  data: { outcome: "not_sent" },
});
