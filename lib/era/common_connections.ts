/**
 * The connections of clients without sessions on which a server is asked nothing that it could ask back
 * for. One serves all clients where the server knows no sessions either; a server with a handshake gets one
 * for each set of capabilities that clients have, since what it lists may depend on them.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { LateReceiver } from "../core/late_receiver.ts";
import type { Conversation, OpenedServer, OpenServer } from "../core/upstream.ts";
import { ModernOnLegacy } from "./modern_on_legacy.ts";
import { modernConversation, type NegotiationParts, NOBODY } from "./negotiation.ts";
import { type ClientSelf, isAskable } from "./protocol_meta.ts";
import { within } from "../core/waiting.ts";

/** Sets of capabilities at once; clients with yet another are shown what the first has. */
const CONNECTIONS_MAX = 8;

/** What a conversation needs, made for each connection. */
export type PartsFor = (server: OpenedServer) => NegotiationParts;

/** A connection of clients with the same capabilities. */
export interface Common {
  readonly server: OpenedServer;
  readonly receiver: LateReceiver;
  readonly client: ClientSelf;
  /** Begun with the first call, and again after one that the server was too slow for. */
  conversation?: Promise<Conversation>;
  lastUsedMs: number;
}

/** See the module. Dispose it to end them all. */
export class CommonConnections implements AsyncDisposable {
  readonly #open: OpenServer;
  readonly #partsFor: PartsFor;
  /** By what the server was told of the clients; the first stays. */
  readonly #connections = new Map<string, Common>();
  readonly #ending = new Set<Promise<void>>();

  constructor(open: OpenServer, partsFor: PartsFor) {
    this.#open = open;
    this.#partsFor = partsFor;
  }

  /** Calls in flight. */
  get load(): number {
    return [...this.#connections.values()].reduce((sum, { server }) => sum + server.load, 0);
  }

  /** Connections besides the first, which end when nobody uses them. */
  get extra(): number {
    return Math.max(0, this.#connections.size - 1);
  }

  /** The connection for a client, with its conversation settled. Rejects when the server cannot be reached. */
  async for(client: ClientSelf): Promise<Common & { readonly settled: Conversation }> {
    const { capabilities } = isAskable(client.capabilities) ? client : NOBODY;
    const key = new TextDecoder().decode(capabilities);
    const [first = key] = this.#connections.keys();
    const found = await this.#settled(first, capabilities);
    if (first === key || !(found.settled instanceof ModernOnLegacy)) return found;
    if (!this.#connections.has(key) && this.#connections.size >= CONNECTIONS_MAX) {
      await this.sweep(Infinity);
      if (this.#connections.size >= CONNECTIONS_MAX) return found;
    }
    return await this.#settled(key, capabilities);
  }

  /** Ends all but the first that have not been used since a time. */
  async sweep(sinceMs: number): Promise<void> {
    for (const [key, common] of [...this.#connections].slice(1)) {
      const settled = await common.conversation?.catch(() => undefined);
      const isIdle = settled instanceof ModernOnLegacy && settled.load === 0;
      if (isIdle && common.lastUsedMs < sinceMs) this.#end(key, common);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [key, common] of [...this.#connections]) this.#end(key, common);
    await Promise.all(this.#ending);
  }

  async #settled(key: string, capabilities: Uint8Array) {
    let common = this.#connections.get(key);
    if (common === undefined) this.#connections.set(key, common = this.#begin(capabilities));
    common.lastUsedMs = monotonicMs();
    try {
      common.conversation ??= this.#converse(common);
      return { ...common, settled: await common.conversation };
    } catch (error) {
      if (this.#connections.get(key) === common) this.#failed(key, common, error);
      throw error;
    }
  }

  #begin(capabilities: Uint8Array): Common {
    const receiver = new LateReceiver();
    const server = this.#open(receiver);
    const client = { capabilities, info: NOBODY.info };
    return { server, receiver, client, lastUsedMs: monotonicMs() };
  }

  #converse({ server, receiver, client }: Common): Promise<Conversation> {
    const conversation = modernConversation(server, client, this.#partsFor(server));
    conversation.then((made) => receiver.bind(made), () => {}); // whoever awaits it is told
    return conversation;
  }

  /** A server that is only slow to start keeps its connection, and goes on starting. */
  #failed(key: string, common: Common, error: unknown): void {
    const isSlow = error instanceof GatewayError && error.failure === "UpstreamTimeout";
    if (isSlow) common.conversation = undefined;
    else this.#end(key, common);
  }

  #end(key: string, { server, conversation }: Common): void {
    this.#connections.delete(key);
    const made = conversation?.catch(() => undefined); // as above
    const disposed = Promise.resolve(made).then((made) => made?.[Symbol.dispose]());
    const ending = within(disposed, 0) // what is not settled yet would take long; it fails with the server
      .then(() => server[Symbol.asyncDispose]())
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
