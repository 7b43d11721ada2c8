/**
 * Clients without sessions on a server of their own connections: most go over {@link CommonConnections}.
 * A call for which a server with a handshake may ask the client gets a connection that no other call uses
 * meanwhile: what the server asks on it can only belong to that call.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call } from "../core/handler.ts";
import { CALL_DEADLINE_MS } from "../core/limits.ts";
import { LateReceiver } from "../core/late_receiver.ts";
import type { Message } from "../core/message.ts";
import type {
  Conversation,
  OpenedServer,
  OpenServer,
  SessionlessConversations,
} from "../core/upstream.ts";
import { CommonConnections, type PartsFor } from "./common_connections.ts";
import { ModernOnLegacy, requestStateOf } from "./modern_on_legacy.ts";
import { mayRequireInput } from "./modern_result.ts";
import { clientOf } from "./negotiation.ts";
import { type ClientSelf, isAskable } from "./protocol_meta.ts";

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

/** See the module. */
export class Sessionless implements SessionlessConversations {
  readonly #open: OpenServer;
  readonly #partsFor: PartsFor;
  readonly #lanes = new Set<Lane>();
  readonly #commons: CommonConnections;
  /** Calls that wait for a connection, in the order of their coming. */
  readonly #line = new Set<{ readonly dueMs: number }>();
  #freed = Promise.withResolvers<void>();
  #isEnded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(open: OpenServer, partsFor: PartsFor) {
    this.#open = open;
    this.#partsFor = partsFor;
    this.#commons = new CommonConnections(open, partsFor);
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    const client = clientOf(call.message);
    const { server, settled } = await this.#commons.for(client);
    if (this.#commons.extra > 0) this.#sweepLater();
    const isBridged = settled instanceof ModernOnLegacy;
    if (!isBridged || !asksBack(call.message)) return await answeredBy(settled, server, call);
    const lane = await this.#claim(client, call.signal);
    try {
      return await lane.conversation.handle(call);
    } finally {
      lane.claims--;
      lane.lastUsedMs = monotonicMs();
      this.#free();
    }
  };

  load(): number {
    let calls = this.#commons.load;
    for (const { server } of this.#lanes) calls += server.load;
    return calls;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#free();
    await Promise.all([
      this.#commons[Symbol.asyncDispose](),
      ...[...this.#lanes].map((lane) => this.#end(lane)),
    ]);
  }

  /** A connection that no other call uses, and none will until the claim is given back; first come first served. */
  async #claim(client: ClientSelf, signal: AbortSignal): Promise<Lane> {
    const place = { dueMs: monotonicMs() + CALL_DEADLINE_MS };
    const wake = () => this.#free();
    const timer = setTimeout(wake, CALL_DEADLINE_MS);
    signal.addEventListener("abort", wake, { once: true });
    this.#line.add(place);
    try {
      for (;;) {
        if (signal.aborted || this.#isEnded) throw cancelled();
        const [first] = this.#line;
        const freed = this.#freed.promise; // before the choice: what gets free meanwhile counts
        const lane = first === place ? await this.#choose(client) : undefined;
        if (lane !== undefined) return lane;
        if (monotonicMs() >= place.dueMs) throw overloaded();
        await freed;
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      this.#line.delete(place);
      if (this.#line.size > 0) this.#free(); // it is the next one's turn
    }
  }

  /** A connection for the first in line; an idle one of other clients has to go where there is no room. */
  async #choose(client: ClientSelf): Promise<Lane | undefined> {
    const capabilities = new TextDecoder().decode(client.capabilities);
    const idle = [...this.#lanes].filter(isFree);
    let lane = idle.find((lane) => lane.capabilities === capabilities);
    if (lane === undefined && this.#lanes.size >= LANES_MAX) {
      if (idle.length === 0) return undefined;
      await this.#end(idle[0]);
    }
    if (this.#isEnded) throw cancelled();
    lane ??= this.#openLane(client, capabilities);
    lane.claims++;
    return lane;
  }

  #openLane(client: ClientSelf, capabilities: string): Lane {
    const receiver = new LateReceiver();
    const server = this.#open(receiver);
    const parts = this.#partsFor(server);
    const conversation = new ModernOnLegacy(server, client, parts.state, parts, () => this.#free());
    receiver.bind(conversation);
    const lane = { server, conversation, capabilities, claims: 0, lastUsedMs: monotonicMs() };
    this.#lanes.add(lane);
    this.#sweepLater();
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

  #sweepLater(): void {
    this.#timer ??= setTimeout(this.#sweep, IDLE_MS);
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const oldestMs = monotonicMs() - IDLE_MS;
    for (const lane of [...this.#lanes]) {
      if (isFree(lane) && lane.lastUsedMs < oldestMs) void this.#end(lane);
    }
    void this.#commons.sweep(oldestMs);
    if (this.#lanes.size + this.#commons.extra > 0) this.#sweepLater();
  };
}

function isFree({ claims, conversation }: Lane): boolean {
  return claims === 0 && conversation.load === 0;
}

/** A call whose client leaves is cancelled at the server. */
async function answeredBy(
  conversation: Conversation,
  server: OpenedServer,
  call: Call,
): Promise<Message | undefined> {
  const left = () => server.abandon(call);
  call.signal.addEventListener("abort", left, { once: true });
  if (call.signal.aborted) throw cancelled();
  return await conversation.handle(call);
}

function cancelled(): GatewayError {
  return new GatewayError("InternalError", "Cannot answer: cancelled");
}

function overloaded(): GatewayError {
  return new GatewayError(
    "Overloaded",
    `Cannot call: ${LANES_MAX} calls whose clients may be asked are under way`,
  );
}

/** Whether a server could ask the client of a request for something. A retry has its connection already. */
function asksBack(message: Message): boolean {
  if (!mayRequireInput(message) || requestStateOf(message) !== undefined) return false;
  return isAskable(message.metaField("clientCapabilities"));
}
