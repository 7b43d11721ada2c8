/**
 * Clients of the sessionless era on a server with a handshake: the gateway makes the handshake, holds
 * calls while the server asks their client, and turns listen streams into subscriptions.
 *
 * @module
 */
import { aborted } from "../core/waiting.ts";
import { DISCOVER_METHOD } from "../core/eras.ts";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import type { Call } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { ownerOf } from "../core/owner.ts";
import { RawObject } from "../core/raw_object.ts";
import type { Conversation, Server } from "../core/upstream.ts";
import { discoverResult, INITIALIZED, initializeRequest } from "./discovery.ts";
import { HeldCall, type HeldCallHost } from "./held_call.ts";
import { HELD_MS, type HeldCalls } from "./held_calls.ts";
import {
  acknowledgement,
  filterOf,
  honoured,
  isWanted,
  type ListenFilter,
  underListen,
} from "./listen_filter.ts";
import { isLogLevel, isLoud, type LogLevels } from "./log_levels.ts";
import { mayRequireInput, modernResult } from "./modern_result.ts";
import type { ClientSelf } from "./protocol_meta.ts";
import { digestOf, refused, type RequestStates } from "./request_state.ts";
import type { ResourceSubscriptions } from "./resource_subscriptions.ts";

/** What conversations with one server share. */
export interface LegacyServerState {
  readonly subscriptions: ResourceSubscriptions;
  readonly logLevels: LogLevels;
}

/** What all conversations of one upstream share. */
export interface Holding {
  readonly held: HeldCalls;
  readonly states: RequestStates;
}

/** A listen stream that is open. */
interface Listener {
  readonly call: Call;
  readonly filter: ListenFilter;
}

/** What a server said of itself, raw. */
interface ServerSelf {
  readonly answer: Message;
  readonly info: Uint8Array | undefined;
}

/** See the module. */
export class ModernOnLegacy implements Conversation, HeldCallHost {
  readonly #server: Server;
  readonly #client: ClientSelf;
  readonly #state: LegacyServerState;
  readonly #holding: Holding;
  readonly #onIdle: () => void;
  readonly #open = new Set<HeldCall>();
  readonly #listeners = new Set<Listener>();

  /**
   * @param client in whose name the handshake is made
   * @param onIdle told when the last call has ended
   */
  constructor(
    server: Server,
    client: ClientSelf,
    state: LegacyServerState,
    holding: Holding,
    onIdle = () => {},
  ) {
    this.#server = server;
    this.#client = client;
    this.#state = state;
    this.#holding = holding;
    this.#onIdle = onIdle;
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    const { message } = call;
    if (message.kind !== "request") return undefined; // cancellations come by the call's signal
    const requestState = requestStateOf(message);
    if (requestState !== undefined) return await this.#continue(call, requestState);
    const self = await this.#handshake(message);
    if (self.answer.isError) return self.answer.withId(message.id!);
    switch (message.method) {
      case DISCOVER_METHOD:
        return discoverResult(self.answer, message.id!);
      case "subscriptions/listen":
        return await this.#listen(call, self);
    }
    await this.#wantLog(call);
    return await this.#start(call, self);
  };

  /** Calls under way and listen streams. */
  get load(): number {
    return this.#open.size + this.#listeners.size;
  }

  async notify(message: Message): Promise<void> {
    if (message.method === "notifications/message") {
      const [only, ...others] = this.#server.waitingCalls();
      if (only instanceof HeldCall && others.length === 0) await only.notify(message);
      return; // of whose call it tells nobody knows: a log line may hold what is another's
    }
    for (const { call, filter } of this.#listeners) {
      if (!isWanted(filter, message)) continue;
      call.notify(underListen(message, call.message.id!)).catch(() => {}); // it is leaving
    }
  }

  ask(message: Message): Promise<Message> {
    const call = this.#callBehind(message);
    if (call !== undefined) return call.ask(message);
    throw new GatewayError(
      "MethodNotFound",
      `Cannot ask a client of upstream ${this.#server.name}: the request belongs to no single call`,
    );
  }

  /**
   * Whom a question is for: the only call, or of several of one client the newest that waits and may be asked.
   * Which of its calls carries the question does not matter to that client; another's must never see it.
   */
  #callBehind(question: Message): HeldCall | undefined {
    const calls = [...this.#open];
    if (calls.some(({ session }) => session !== calls[0].session)) return undefined;
    const canAsk = (call: HeldCall) =>
      call.isAwaited && mayRequireInput(call.message) &&
      this.missingFor(call, question) === undefined;
    return calls.findLast(canAsk) ?? calls.at(-1);
  }

  cancelAsk(message: Message): void {
    if (message.requestId === undefined) return;
    for (const held of this.#open) held.cancelAsk(message.requestId);
  }

  [Symbol.dispose](): void {
    for (const held of [...this.#open]) held.abandon();
  }

  hold(call: HeldCall): void {
    this.#holding.held.keep(call);
  }

  requestState(call: HeldCall): string {
    return this.#holding.states.seal({
      held: call.id,
      owner: ownerOf(call.request),
      digest: digestOf(call.first),
      expiresMs: Date.now() + HELD_MS,
    });
  }

  missingFor({ first }: HeldCall, question: Message): string | undefined {
    const key = CAPABILITY_OF[question.method!] ?? question.method!;
    const capabilities = new RawObject(first.metaField("clientCapabilities"));
    const isThere = capabilities.get(key) !== undefined &&
      (!isOfUrl(question) || capabilities.object(key).get("url") !== undefined);
    return isThere ? undefined : key;
  }

  wants({ first }: HeldCall, message: Message): boolean {
    if (message.method !== "notifications/message") return true;
    const wanted = logLevelOf(first);
    return wanted !== undefined && isLoud(message.json().params?.level, wanted);
  }

  abandoned(call: HeldCall): void {
    this.#holding.held.release(call);
    this.#server.abandon(call);
  }

  delivered(call: HeldCall): void {
    this.#holding.held.release(call);
  }

  /** Left incomplete for a mere question: a client that only probes must not set timers off in a server. */
  async #handshake({ method }: Message): Promise<ServerSelf> {
    const shake = method === DISCOVER_METHOD ? beginHandshake : shakeHands;
    const answer = await shake(this.#server, this.#client);
    return { answer, info: new RawObject(answer.bytes).object("result").get("serverInfo") };
  }

  #start(call: Call, { info }: ServerSelf): Promise<Message> {
    const held = new HeldCall(call, call.session, this);
    const waiting = held.wait(call);
    if (held.signal.aborted) return waiting; // the client has left meanwhile
    this.#open.add(held);
    this.#server.request(held).then(
      (answer) => held.settle(modernResult(answer, call.message.method!, info)),
      (error) => held.settle(toGatewayError(error)),
    ).finally(() => {
      this.#open.delete(held);
      if (this.#open.size === 0) this.#onIdle();
    });
    return waiting;
  }

  #continue(call: Call, requestState: string): Promise<Message> {
    const { held, states } = this.#holding;
    const state = states.open(requestState, ownerOf(call.request), digestOf(call.message));
    const waiting = held.find(state.held);
    if (waiting === undefined) throw refused("the call that it continues has ended");
    const params = new RawObject(call.message.bytes).object("params");
    return waiting.wait(call, params.object("inputResponses"));
  }

  /** Streams what the client asked for until it leaves. */
  async #listen(call: Call, { answer }: ServerSelf): Promise<Message | undefined> {
    const { capabilities } = answer.json().result;
    const filter = honoured(filterOf(call.message), capabilities ?? {});
    const { subscriptions } = this.#state;
    const listener = { call, filter };
    try {
      for (const uri of filter.resourceSubscriptions ?? []) await subscriptions.add(uri, listener);
      const acknowledged = call.notify(acknowledgement(filter, call.message.id!));
      this.#listeners.add(listener);
      await acknowledged;
      await aborted(call.signal);
      return undefined;
    } finally {
      this.#listeners.delete(listener);
      subscriptions.forget(listener);
    }
  }

  /** Makes the server talk as much as the call wants to hear. */
  async #wantLog({ message }: Call): Promise<void> {
    const level = logLevelOf(message);
    const { logLevels } = this.#state;
    const current = logLevels.of(this);
    if (level === undefined || (current !== undefined && isLoud(level, current))) return;
    await logLevels.want(this, level).catch(() => {}); // a server without logging refuses
  }
}

/** Makes the handshake with a server in the name of a client, unless it stands, but for its last message. */
export function beginHandshake(server: Server, client: ClientSelf): Promise<Message> {
  return server.handshake(initializeRequest(client));
}

/** Makes the handshake with a server in the name of a client, unless it stands. */
export function shakeHands(server: Server, client: ClientSelf): Promise<Message> {
  return server.handshake(initializeRequest(client), INITIALIZED);
}

const CAPABILITY_OF: Readonly<Record<string, string>> = {
  "sampling/createMessage": "sampling",
  "elicitation/create": "elicitation",
  "roots/list": "roots",
};

/** Whether a question sends the user to a website, which not every client that elicits can. */
function isOfUrl(question: Message): boolean {
  return question.method === "elicitation/create" && question.json().params?.mode === "url";
}

function logLevelOf(message: Message): string | undefined {
  const raw = message.metaField("logLevel");
  const level = raw && JSON.parse(new TextDecoder().decode(raw));
  return isLogLevel(level) ? level : undefined;
}

/** `params.requestState`. */
export function requestStateOf(message: Message): string | undefined {
  if (!mayRequireInput(message)) return undefined;
  const state = new RawObject(message.bytes).object("params").value("requestState");
  if (state === undefined || typeof state === "string") return state;
  throw refused("it is no text");
}
