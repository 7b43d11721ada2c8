/**
 * One of several clients with a handshake on a server that they share: the gateway made the handshake,
 * and merges what the clients want.
 *
 * @module
 */
import { rawResult, result } from "../core/compose.ts";
import { isLegacyVersion, LATEST_LEGACY_VERSION } from "../core/eras.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type { Server } from "../core/upstream.ts";
import { INITIALIZED, initializeRequest } from "./discovery.ts";
import { isLogLevel, isLoud } from "./log_levels.ts";
import type { LegacyServerState } from "./modern_on_legacy.ts";
import { OwnTasks } from "./own_tasks.ts";
import { QuietCall } from "./quiet_call.ts";
import { EVERYTHING } from "./shared_client.ts";

/** See the module. */
export class LegacyOnShared {
  readonly #server: Server;
  readonly #session: Session;
  readonly #state: LegacyServerState;
  readonly #tasks = new OwnTasks();

  constructor(server: Server, session: Session, state: LegacyServerState) {
    this.#server = server;
    this.#session = session;
    this.#state = state;
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    const { message } = call;
    if (message.kind !== "request") return await this.#told(message);
    const handshake = await this.#server.handshake(initializeRequest(EVERYTHING), INITIALIZED);
    switch (message.method) {
      case "initialize":
        return answerInitialize(message, handshake);
      case "logging/setLevel":
        return await this.#setLogLevel(message);
      case "resources/subscribe":
        await this.#state.subscriptions.add(message.uri!, this.#session);
        return result(message.id!, {});
      case "resources/unsubscribe":
        await this.#state.subscriptions.remove(message.uri!, this.#session);
        return result(message.id!, {});
    }
    const level = this.#state.logLevels.of(this.#session);
    const answer = await this.#server.request(
      level === undefined ? call : new QuietCall(call, level),
    );
    this.#tasks.learn(message, answer);
    return answer;
  };

  /** Passes on what concerns this client. */
  notify(message: Message): void {
    if (this.#concerns(message)) void this.#session.notify(message);
  }

  /** The client has gone. */
  leave(): void {
    this.#state.subscriptions.forget(this.#session);
    this.#state.logLevels.forget(this.#session);
  }

  async #told(message: Message): Promise<undefined> {
    switch (message.method) {
      case "notifications/initialized":
      case "notifications/roots/list_changed":
        return; // the gateway's own handshake; roots of one client are not those of all
      case "notifications/tasks/status":
        return; // nobody was told that clients keep tasks: it can only be another's
      case "notifications/cancelled":
        return this.#server.cancel(this.#session, message) as undefined;
    }
    await this.#server.send(message);
  }

  async #setLogLevel(message: Message): Promise<Message> {
    const level = message.json().params?.level;
    if (!isLogLevel(level)) {
      throw new GatewayError("InvalidParams", "Cannot set log level: it is unknown");
    }
    await this.#state.logLevels.want(this.#session, level);
    return result(message.id!, {});
  }

  #concerns(message: Message): boolean {
    switch (message.method) {
      case "notifications/resources/updated":
        return this.#state.subscriptions.concerns(message.uri ?? "", this.#session);
      case "notifications/message":
        return this.#concernsLog(message);
      case "notifications/tasks/status":
        return this.#tasks.concerns(message);
    }
    return true;
  }

  /** A log line may tell of a call: then it is for the one whose call that must be, if that is clear. */
  #concernsLog(message: Message): boolean {
    const wanted = this.#state.logLevels.of(this.#session);
    if (wanted !== undefined && !isLoud(message.json().params?.level, wanted)) return false;
    const waiting = new Set(this.#server.waitingCalls().map(({ session }) => session));
    return waiting.size === 0 || (waiting.size === 1 && waiting.has(this.#session));
  }
}

/** The server's answer, in the version the client asked for where that is one with a handshake. */
function answerInitialize(message: Message, handshake: Message): Message {
  if (handshake.isError) return handshake.withId(message.id!);
  const asked = message.json().params?.protocolVersion;
  const protocolVersion = isLegacyVersion(asked) ? asked : LATEST_LEGACY_VERSION;
  const given = new RawObject(handshake.bytes).object("result");
  return rawResult(message.id!, given.put("protocolVersion", protocolVersion).bytes());
}
