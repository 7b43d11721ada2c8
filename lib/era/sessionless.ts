/**
 * Clients without sessions on a server of their own connections: one connection for all where the
 * server knows no sessions either. A server with a handshake gets one connection for all clients that it
 * can ask nothing, and for each call of any other client one that no other call uses meanwhile: what the
 * server asks on it can only belong to that call.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call } from "../core/handler.ts";
import { LateReceiver } from "../core/late_receiver.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type {
  Conversation,
  OpenedServer,
  OpenServer,
  SessionlessConversations,
} from "../core/upstream.ts";
import { ModernOnLegacy, requestStateOf } from "./modern_on_legacy.ts";
import { clientOf, modernConversation, type NegotiationParts, NOBODY } from "./negotiation.ts";
import type { ClientSelf } from "./protocol_meta.ts";

/** Connections for calls whose client may be asked. */
const LANES_MAX = 16;
/** How long a connection that nobody uses is kept, ms. */
const IDLE_MS = 60_000;

/** A connection with a handshake of its own. */
interface Lane {
  readonly server: OpenedServer;
  readonly conversation: ModernOnLegacy;
  /** What the server was told of the client. */
  readonly capabilities: string;
  /** Calls that have chosen it and are not answered. */
  claims: number;
  lastUsedMs: number;
}

/** The connection of all clients that cannot be asked. */
interface Common {
  readonly server: OpenedServer;
  readonly conversation: Promise<Conversation>;
}

/** What a conversation needs, made for each connection. */
export type PartsFor = (server: OpenedServer) => NegotiationParts;

/** See the module. */
export class Sessionless implements SessionlessConversations {
  readonly #open: OpenServer;
  readonly #partsFor: PartsFor;
  readonly #lanes = new Set<Lane>();
  #common: Common | undefined;
  #freed = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(open: OpenServer, partsFor: PartsFor) {
    this.#open = open;
    this.#partsFor = partsFor;
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    const common = await this.#commonConversation();
    const isBridged = common instanceof ModernOnLegacy;
    if (!isBridged || !asksBack(call.message)) return await this.#on(common, call);
    const lane = await this.#claim(clientOf(call.message), call.signal);
    try {
      return await lane.conversation.handle(call);
    } finally {
      lane.claims--;
      lane.lastUsedMs = monotonicMs();
      this.#free();
    }
  };

  load(): number {
    let calls = this.#common?.server.load ?? 0;
    for (const { server } of this.#lanes) calls += server.load;
    return calls;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    const { server, conversation } = this.#common ?? {};
    (await conversation?.catch(() => undefined))?.[Symbol.dispose]();
    await server?.[Symbol.asyncDispose]();
    for (const lane of this.#lanes) await this.#end(lane);
  }

  /** A call whose client leaves is cancelled at the server. */
  async #on(conversation: Conversation, call: Call): Promise<Message | undefined> {
    const { server } = this.#common!;
    const left = () => server.abandon(call);
    call.signal.addEventListener("abort", left, { once: true });
    return await conversation.handle(call);
  }

  async #commonConversation(): Promise<Conversation> {
    this.#common ??= this.#begin();
    try {
      return await this.#common.conversation;
    } catch (error) {
      const failed = this.#common;
      this.#common = undefined;
      await failed?.server[Symbol.asyncDispose]();
      throw error;
    }
  }

  #begin(): Common {
    const receiver = new LateReceiver();
    const server = this.#open(receiver);
    const conversation = modernConversation(server, NOBODY, this.#partsFor(server));
    conversation.then((made) => receiver.bind(made), () => {}); // whoever awaits it is told
    return { server, conversation };
  }

  /** A connection that no other call uses, and none will until the claim is given back. */
  async #claim(client: ClientSelf, signal: AbortSignal): Promise<Lane> {
    const capabilities = new TextDecoder().decode(client.capabilities);
    for (;;) {
      const idle = [...this.#lanes].filter(isFree);
      let lane = idle.find((lane) => lane.capabilities === capabilities);
      if (this.#lanes.size < LANES_MAX) lane ??= this.#openLane(client, capabilities);
      if (lane !== undefined) {
        lane.claims++;
        return lane;
      }
      if (idle.length > 0) await this.#end(idle[0]);
      else await this.#freed.promise;
      if (signal.aborted) throw new GatewayError("InternalError", "Cannot answer: cancelled");
    }
  }

  #openLane(client: ClientSelf, capabilities: string): Lane {
    const receiver = new LateReceiver();
    const server = this.#open(receiver);
    const parts = this.#partsFor(server);
    const conversation = new ModernOnLegacy(server, client, parts.state, parts, () => this.#free());
    receiver.bind(conversation);
    const lane = { server, conversation, capabilities, claims: 0, lastUsedMs: monotonicMs() };
    this.#lanes.add(lane);
    this.#timer ??= setTimeout(this.#sweep, IDLE_MS);
    return lane;
  }

  #free(): void {
    this.#freed.resolve();
    this.#freed = Promise.withResolvers<void>();
  }

  async #end(lane: Lane): Promise<void> {
    this.#lanes.delete(lane);
    lane.conversation[Symbol.dispose]();
    await lane.server[Symbol.asyncDispose]();
  }

  readonly #sweep = (): void => {
    const oldestMs = monotonicMs() - IDLE_MS;
    for (const lane of [...this.#lanes]) {
      if (isFree(lane) && lane.lastUsedMs < oldestMs) void this.#end(lane);
    }
    this.#timer = this.#lanes.size > 0 ? setTimeout(this.#sweep, IDLE_MS) : undefined;
  };
}

function isFree({ claims, conversation }: Lane): boolean {
  return claims === 0 && conversation.load === 0;
}

/** Whether a server could ask the client of a request for something. A retry has its connection already. */
function asksBack(message: Message): boolean {
  const { method } = message;
  const may = method === "tools/call" || method === "prompts/get" || method === "resources/read";
  if (!may || requestStateOf(message) !== undefined) return false;
  const capabilities = new RawObject(message.metaField("clientCapabilities"));
  return ["sampling", "elicitation", "roots"].some((key) => capabilities.get(key) !== undefined);
}
