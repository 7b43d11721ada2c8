/**
 * Finds out which eras a client and a server share. What both speak passes through; the other pairs
 * are bridged. The client's own era is tried first: a server of both eras serves it best itself.
 *
 * Source: MCP specification, basic/versioning and basic/transports/stdio (backward compatibility), 2026-07-28.
 *
 * @module
 */
import { DISCOVER_METHOD, noDiscovery } from "../core/eras.ts";
import { GatewayError, WIRE_FORMS } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Conversation, Server } from "../core/upstream.ts";
import type { EraMemory } from "./era_memory.ts";
import { agreedResult, discoverRequest } from "./discovery.ts";
import { LegacyOnModern } from "./legacy_on_modern.ts";
import {
  beginHandshake,
  type Holding,
  type LegacyServerState,
  ModernOnLegacy,
} from "./modern_on_legacy.ts";
import { LegacyPassThrough, ModernPassThrough } from "./pass_through.ts";
import type { ClientSelf } from "./protocol_meta.ts";
import { within } from "../core/waiting.ts";

/** A server that has not answered the probe by then knows only the handshake, ms. */
const PROBE_MS = 5000;
/** A client that probes gives up after 2.9 s (Claude Code 2.1): by then it has an answer, ms. */
const DISCOVER_MS = 2000;

/** What all negotiations with one server share. */
export interface NegotiationParts extends Holding {
  readonly memory: EraMemory;
  readonly state: LegacyServerState;
}

/** The conversation of one session, once its first message has shown which it is. */
export class Negotiation implements Conversation {
  readonly #server: Server;
  readonly #session: Session;
  readonly #parts: NegotiationParts;
  #settled: Conversation;
  #isLegacy = false;
  #deciding: Promise<Conversation> | undefined;

  constructor(server: Server, session: Session, parts: NegotiationParts) {
    this.#server = server;
    this.#session = session;
    this.#parts = parts;
    this.#settled = new LegacyPassThrough(server, session);
  }

  readonly handle = (call: Call): Promise<Message | undefined> => {
    const { message } = call;
    if (message.method === "initialize") return this.#initialize(call);
    if (message.protocolVersion === undefined || this.#isLegacy) return this.#settled.handle(call);
    return this.#modern(call);
  };

  notify(message: Message): Promise<void> {
    return this.#settled.notify(message);
  }

  ask(message: Message): Promise<Message> {
    return this.#settled.ask(message);
  }

  cancelAsk(message: Message): void {
    this.#settled.cancelAsk(message);
  }

  [Symbol.dispose](): void {
    this.#settled[Symbol.dispose]();
  }

  /** The handshake of the client: from now on it speaks the era that has one, whatever it tried before. */
  async #initialize(call: Call): Promise<Message | undefined> {
    const { memory } = this.#parts;
    this.#isLegacy = true;
    if (this.#deciding !== undefined) await this.#startAnew();
    if (memory.legacy !== false) {
      const answer = await this.#settled.handle(call);
      if (answer === undefined || !answer.isError) {
        memory.legacy = true;
        return answer && agreedResult(answer, call.message);
      }
      if (memory.modern === undefined) memory.modern = await probe(this.#server, memory);
      if (memory.modern !== true) return answer;
      memory.legacy = false;
    }
    this.#settled = new LegacyOnModern(this.#server, this.#session);
    return await this.#settled.handle(call);
  }

  /** A client that probed, was answered, and makes the handshake all the same gets one of its own. */
  async #startAnew(): Promise<void> {
    this.#settled[Symbol.dispose]();
    this.#settled = new LegacyPassThrough(this.#server, this.#session);
    this.#deciding = undefined;
    await this.#server.undoHandshake();
  }

  async #modern(call: Call): Promise<Message | undefined> {
    if (call.message.method !== DISCOVER_METHOD) return await this.#answerModern(call);
    const answer = await within(this.#answerModern(call), DISCOVER_MS);
    if (answer === undefined) throw noDiscovery();
    return answer;
  }

  async #answerModern(call: Call): Promise<Message | undefined> {
    const client = clientOf(call.message);
    const isWanted = () => !this.#isLegacy;
    const isEarly = this.#settled instanceof LegacyPassThrough;
    const deciding = this.#deciding ??= modernConversation(
      this.#server,
      client,
      this.#parts,
      isWanted,
    );
    const conversation = await deciding.catch((error) => {
      if (this.#deciding === deciding) this.#deciding = undefined; // it could not be reached
      throw error;
    });
    if (this.#isLegacy) throw noDiscovery();
    this.#settled = conversation;
    if (isEarly && call.signal.aborted) {
      throw new GatewayError("InternalError", "Cannot answer: cancelled");
    }
    return await conversation.handle(call);
  }
}

/**
 * What clients of the sessionless era have with a server.
 *
 * @param isWanted whether the client still waits for the outcome when the server has kept silent for long
 */
export async function modernConversation(
  server: Server,
  client: ClientSelf,
  parts: NegotiationParts,
  isWanted = () => true,
): Promise<Conversation> {
  return await speaksModern(server, client, parts.memory, isWanted)
    ? new ModernPassThrough(server)
    : new ModernOnLegacy(server, client, parts.state, parts);
}

/**
 * Silence may come from a slow start: a server that then refuses the handshake is probed again. Rejects when it
 * says neither.
 */
async function speaksModern(
  server: Server,
  client: ClientSelf,
  memory: EraMemory,
  isWanted: () => boolean,
): Promise<boolean> {
  memory.modern ??= await probe(server, memory);
  if (memory.modern !== undefined || !isWanted()) return memory.modern === true;
  const answer = await beginHandshake(server, client);
  memory.modern = answer.isError ? await probe(server, memory) : false;
  if (memory.modern !== undefined) return memory.modern;
  throw unreached(answer);
}

/** What a request of the sessionless era says of its client. */
export function clientOf(message: Message): ClientSelf {
  return {
    capabilities: message.metaField("clientCapabilities") ?? NOBODY.capabilities,
    info: message.metaField("clientInfo"),
  };
}

/** The gateway itself, before it knows for whom it asks. */
export const NOBODY: ClientSelf = {
  capabilities: new TextEncoder().encode("{}"),
  info: new TextEncoder().encode('{"name":"sluice","version":"0"}'),
};

/**
 * Whether a server speaks the sessionless era; `undefined` when it says nothing, or breaks. Rejects when it
 * cannot be reached. An answer that is late still counts for whoever comes next.
 */
async function probe(server: Server, memory: EraMemory): Promise<boolean | undefined> {
  const meant = server.ask(discoverRequest(NOBODY)).then(meaningOf, unlessSeen);
  meant.then((isModern) => {
    if (isModern) memory.modern = true;
  }, () => {}); // told below
  return await within(meant, PROBE_MS);
}

/** What the answer to the probe says of the server. Over HTTP, an answer also tells that there was none. */
function meaningOf(answer: Message): boolean | undefined {
  if (!answer.isError) return Array.isArray(answer.json().result?.supportedVersions);
  const { code, data } = answer.json().error;
  if (code === WIRE_FORMS.UpstreamTimeout.code) return undefined;
  if (code !== WIRE_FORMS.UpstreamUnavailable.code) return MODERN_CODES.includes(code);
  const status = data?.status;
  if (status === undefined) throw unreached(answer);
  return SAY_NOTHING.includes(status) || status >= 500 ? undefined : false;
}

/** A server that dies of the probe may still know the handshake. */
function unlessSeen(error: unknown): undefined {
  const data = error instanceof GatewayError ? error.data : undefined;
  if ((data as { outcome?: unknown } | undefined)?.outcome !== "unknown") throw error;
}

function unreached(answer: Message): GatewayError {
  const { message, data } = answer.json().error;
  return new GatewayError("UpstreamUnavailable", message, { data });
}

/** HTTP statuses that tell nothing of eras. */
const SAY_NOTHING = [401, 403, 408, 429];

/** Errors that only servers of the sessionless era give. */
const MODERN_CODES: readonly number[] = [
  WIRE_FORMS.HeaderMismatch.code,
  WIRE_FORMS.MissingCapability.code,
  WIRE_FORMS.UnsupportedVersion.code,
];
