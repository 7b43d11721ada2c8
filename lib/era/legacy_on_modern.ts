/**
 * A client with a handshake on a server of the sessionless era: the gateway holds the session, asks the
 * client what the server needs, and keeps one listen stream for all that the client subscribed to.
 *
 * @module
 */
import { notification, result } from "../core/compose.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import type { Conversation, Server } from "../core/upstream.ts";
import { discoverRequest, initializeResult } from "./discovery.ts";
import { Listening } from "./listening.ts";
import { isLogLevel } from "./log_levels.ts";
import { type ClientSelf, withParams, withProtocolMeta } from "./protocol_meta.ts";
import { RetriedCall } from "../core/retried_call.ts";

/** Round trips that one call may take. */
const ROUNDS_MAX = 32;

const NOBODY: ClientSelf = { capabilities: new TextEncoder().encode("{}"), info: undefined };

/** See the module. */
export class LegacyOnModern implements Conversation {
  readonly #server: Server;
  readonly #session: Session;
  readonly #listening: Listening;
  #client = NOBODY;
  #logLevel: string | undefined;

  constructor(server: Server, session: Session) {
    this.#server = server;
    this.#session = session;
    this.#listening = new Listening(server, session);
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    const { message } = call;
    if (message.kind !== "request") return this.#told(call);
    switch (message.method) {
      case "initialize":
        return await this.#initialize(message);
      case "ping":
        return result(message.id!, {});
      case "logging/setLevel":
        return this.#setLogLevel(message);
      case "resources/subscribe":
        await this.#listening.subscribe(message.uri!);
        return result(message.id!, {});
      case "resources/unsubscribe":
        await this.#listening.unsubscribe(message.uri!);
        return result(message.id!, {});
    }
    return await this.#request(call);
  };

  notify(message: Message): Promise<void> {
    return this.#session.notify(message);
  }

  ask(message: Message): Promise<Message> {
    return this.#session.ask(message); // not of this era, but harmless
  }

  cancelAsk(message: Message): void {
    this.#session.cancelAsk(message);
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  /** Notifications of the client. Progress on questions and changed roots have no place in this era. */
  #told({ message }: Call): undefined {
    if (message.method === "notifications/initialized") this.#listening.begin(this.#client);
    if (message.method === "notifications/cancelled") this.#server.cancel(this.#session, message);
  }

  async #initialize(message: Message): Promise<Message> {
    const params = new RawObject(message.bytes).object("params");
    const capabilities = params.object("capabilities").bytes();
    this.#client = { capabilities, info: params.get("clientInfo") };
    const discovered = await this.#server.ask(discoverRequest(this.#client));
    if (discovered.isError) return discovered.withId(message.id!);
    this.#listening.learn(discovered.json().result?.capabilities ?? {});
    return initializeResult(discovered, message, this.#server.name);
  }

  #setLogLevel(message: Message): Message {
    const level = message.json().params?.level;
    if (isLogLevel(level)) this.#logLevel = level;
    else throw new GatewayError("InvalidParams", "Cannot set log level: it is unknown");
    return result(message.id!, {});
  }

  /** Sends a request, again with the client's answers as long as the server asks for them. */
  async #request(call: Call): Promise<Message> {
    let message = withProtocolMeta(call.message, this.#client, this.#logLevel);
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const answer = await this.#server.request(new RetriedCall(call, message));
      if (answer.resultType !== "input_required") return answer;
      const wanted = new RawObject(answer.bytes).object("result");
      const answers = await askAll(call, wanted.object("inputRequests"));
      if (call.signal.aborted) throw new GatewayError("InternalError", "Cannot answer: cancelled");
      const state = wanted.get("requestState");
      message = withParams(message, (params) => {
        params.delete("inputResponses");
        params.delete("requestState");
        if (answers.size > 0) params.set("inputResponses", answers.bytes());
        if (state !== undefined) params.set("requestState", state);
      });
    }
    throw new GatewayError(
      "UpstreamProtocolError",
      `Cannot complete call: upstream ${this.#server.name} asked ${ROUNDS_MAX} times`,
    );
  }
}

/**
 * Asks the client everything that a server wants to know; raw answers under the server's keys. What is still
 * open when a question has failed, or the call is cancelled, is taken back.
 */
async function askAll(call: Call, requests: RawObject): Promise<RawObject> {
  const answers = new RawObject();
  const open = new Set<Message>();
  const asking = [...requests.keys()].map(async (key) => {
    const question = questionOf(requests.object(key));
    open.add(question);
    const answer = await call.ask(question).finally(() => open.delete(question));
    const whole = new RawObject(answer.bytes);
    const value = whole.get("result");
    if (value === undefined) throw refusedByClient(whole);
    answers.set(key, value);
  });
  const takeBack = () => {
    for (const { id } of open) {
      call.session.cancelAsk(
        notification("notifications/cancelled", { requestId: 0 }).withRequestId(id!),
      );
    }
  };
  call.signal.addEventListener("abort", takeBack, { once: true });
  try {
    await Promise.all(asking);
  } finally {
    call.signal.removeEventListener("abort", takeBack);
    takeBack();
  }
  return answers;
}

function questionOf(request: RawObject): Message {
  request.put("jsonrpc", "2.0").put("id", crypto.randomUUID());
  const question = Message.from(request.bytes());
  if (question.kind === "request") return question;
  throw new GatewayError("UpstreamProtocolError", "Cannot complete call: the server asks nonsense");
}

/** An error is no answer that a server of this era could be given: the call has failed. */
function refusedByClient(answer: RawObject): GatewayError {
  const reason = String(answer.object("error").value("message"));
  return new GatewayError(
    "InternalError",
    `Cannot complete call: the client refused to answer a question of the server: ${reason}`,
    { status: 200 },
  );
}
