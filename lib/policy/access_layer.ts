/**
 * Access rules as layers: one in front of everything, which also takes out of lists what a client may not use; one
 * in front of each of several servers and its cache, which sees exactly what the server will see.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Handler, Policy } from "../core/handler.ts";
import { ANONYMOUS, type Identity } from "../core/identity.ts";
import { ITEM_LISTS, itemsOfAnswer, withItems } from "../core/item_list.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type { SecurityEvents } from "../core/security_event.ts";
import type { AccessRules, ItemKind, Verdict, Wish } from "./access_rules.ts";

/** Whose something is that clients know under a name. */
export interface Located {
  /** The server's own name for it. */
  readonly name: string;
  /** Of several servers that might have it, all; none where it is the gateway's own. */
  readonly servers: readonly string[];
}

/** What refusals and reports need. */
export interface AccessOptions {
  readonly rules: Pick<AccessRules, "judge">;
  /** HTTP headers of a refusal that more scopes would turn into an answer. */
  readonly challenge?: (
    request: RequestInfo,
    scopes: readonly string[],
  ) => Readonly<Record<string, string>>;
  readonly report?: SecurityEvents;
}

/** The layer in front of everything. */
export interface AccessLayerOptions extends AccessOptions {
  /** Finds out whose something is; `undefined` when only the layer in front of its server can tell. */
  readonly locate: (kind: ItemKind, name: string) => Located | undefined;
}

/** See the module. */
export class AccessLayer {
  /** The layer itself. */
  readonly policy: Policy = (next) => (call) => this.#handle(call, next);
  readonly #options: AccessLayerOptions;

  constructor(options: AccessLayerOptions) {
    this.#options = options;
  }

  /** Those of the raw items of a list that a client may use. */
  visible(call: Call, method: string, items: readonly Uint8Array[]): Uint8Array[] {
    const use = USES[method], { key } = ITEM_LISTS[method];
    const identity = identityOf(call);
    return items.filter((raw) => {
      const name = raw[0] === OPEN_BRACE ? new RawObject(raw).value(key) : undefined;
      if (typeof name !== "string") return false;
      const located = this.#options.locate(use.kind, name);
      if (located === undefined) return false;
      return isOwn(located) || this.#allows(identity, use.method, use.kind, located);
    });
  }

  async #handle(call: Call, next: Handler): Promise<Message | undefined> {
    this.#check(call);
    const answer = await next(call);
    const method = call.message.method!;
    if (answer === undefined || answer.isError || !Object.hasOwn(USES, method)) return answer;
    const { items: listKey } = ITEM_LISTS[method];
    const items = itemsOfAnswer(answer, listKey);
    const kept = this.visible(call, method, items);
    return kept.length === items.length ? answer : withItems(answer, listKey, kept);
  }

  /** @throws {GatewayError} PolicyDenied */
  #check(call: Call): void {
    const { message } = call;
    const method = message.method!;
    const named = namedIn(message);
    if (named === undefined) return insist(this.#options, call, { method });
    const { kind, names } = named;
    for (const name of names) {
      const located = this.#options.locate(kind, name);
      if (located === undefined && method !== LISTEN) continue;
      if (located !== undefined && isOwn(located)) continue;
      const item = located ?? { name, servers: [] }; // a stream for a resource of nobody knows whom
      insist(this.#options, call, { method, item: { kind, ...item } });
    }
  }

  #allows(identity: Identity, method: string, kind: ItemKind, located: Located): boolean {
    return this.#options.rules.judge(identity, { method, item: { kind, ...located } }).allowed;
  }
}

/** The layer in front of one of several servers. */
export function serverAccess(options: AccessOptions, server: string): Policy {
  return (next) => (call) => {
    const { message, request } = call;
    const named = request.transport === OWN_TRANSPORT ? undefined : namedIn(message);
    try {
      for (const name of named?.names ?? []) {
        const item = { kind: named!.kind, name, servers: [server] };
        insist(options, call, { method: message.method!, item });
      }
    } catch (error) {
      return Promise.reject(error);
    }
    return next(call);
  };
}

/** Who sent a call. */
export function identityOf({ message, request }: Call): Identity {
  return message.context?.identity ?? request.identity ?? ANONYMOUS;
}

function insist(options: AccessOptions, call: Call, wish: Wish): void {
  const identity = identityOf(call);
  const verdict = options.rules.judge(identity, wish);
  if (verdict.allowed) return;
  const { request } = call;
  options.report?.({
    type: "access_denied",
    address: request.address,
    ...(identity.principal !== "" && { principal: identity.principal }),
    detail: wish.item === undefined
      ? wish.method
      : `${wish.method} ${wish.item.name.slice(0, SHOWN_LENGTH_MAX)}`,
  });
  throw denied(options, request, verdict.scopes);
}

function denied(
  { challenge }: AccessOptions,
  request: RequestInfo,
  scopes: Extract<Verdict, { allowed: false }>["scopes"],
): GatewayError {
  if (scopes.length === 0) {
    return new GatewayError("PolicyDenied", "Cannot accept request: access is not allowed");
  }
  return new GatewayError("PolicyDenied", "Cannot accept request: more scopes are needed", {
    headers: challenge?.(request, scopes),
    data: { scopes },
  });
}

/** What a message is about; `undefined` where that has no name. */
function namedIn(message: Message): { kind: ItemKind; names: readonly string[] } | undefined {
  const { name, uri } = message;
  switch (message.method) {
    case "tools/call":
      return { kind: "tools", names: [name ?? ""] };
    case "prompts/get":
      return { kind: "prompts", names: [name ?? ""] };
    case "resources/read":
    case "resources/subscribe":
    case "resources/unsubscribe":
      return { kind: "resources", names: [uri ?? ""] };
    case "completion/complete": {
      const ref = new RawObject(message.bytes).object("params").object("ref");
      const prompt = ref.value("name"), template = ref.value("uri");
      return typeof prompt === "string"
        ? { kind: "prompts", names: [prompt] }
        : { kind: "resources", names: [typeof template === "string" ? template : ""] };
    }
    case LISTEN: {
      const uris = message.json().params?.notifications?.resourceSubscriptions;
      if (!Array.isArray(uris)) return undefined;
      return { kind: "resources", names: uris.map(String).slice(0, URIS_MAX) };
    }
  }
}

function isOwn({ servers }: Located): boolean {
  return servers.length === 0;
}

/** By what method the items of a list are used. */
const USES: Readonly<Record<string, { readonly method: string; readonly kind: ItemKind }>> = {
  "tools/list": { method: "tools/call", kind: "tools" },
  "prompts/list": { method: "prompts/get", kind: "prompts" },
  "resources/list": { method: "resources/read", kind: "resources" },
  "resources/templates/list": { method: "resources/read", kind: "resources" },
};
const LISTEN = "subscriptions/listen";
/** Transport of requests that the gateway makes itself. */
const OWN_TRANSPORT = "gateway";
/** A filter with more is refused by whoever serves it. */
const URIS_MAX = 1001;
/** Longest name that a report repeats. */
const SHOWN_LENGTH_MAX = 100;
const OPEN_BRACE = 0x7b;
