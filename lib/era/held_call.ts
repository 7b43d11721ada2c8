/**
 * A call of a sessionless client to a server with a handshake. The server may ask the client while it
 * works; then the client's request is answered with those questions, the call is held, and a later
 * request of the client brings the answers and waits on.
 *
 * @module
 */
import { rawResult, result } from "../core/compose.ts";
import { GatewayError } from "../core/errors.ts";
import type { RequestInfo } from "../core/connection.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { type IdKey, idKey } from "../core/message_id.ts";
import { RawObject } from "../core/raw_object.ts";
import { mayRequireInput } from "./modern_result.ts";
import { withoutProtocolMeta } from "./protocol_meta.ts";

/**
 * Questions that come within so many ms go to the client together: each further round costs a person a
 * dialog, and a server's parallel questions arrive over HTTP one by one.
 */
const GATHER_MS = 10;

/** A question of the server that the client has not answered. */
interface Question {
  readonly request: Message;
  readonly answered: PromiseWithResolvers<Message>;
}

/** What a held call needs of its surroundings. */
export interface HeldCallHost {
  /** Keeps the call until it is settled. @throws {GatewayError} Overloaded when too many are kept */
  hold(call: HeldCall): void;
  /** Gives out the state under which the client may continue. */
  requestState(call: HeldCall): string;
  /** The capability that the client would need to be asked this; `undefined` when it has it. */
  missingFor(call: HeldCall, question: Message): string | undefined;
  /** A notification on the call's own stream, as far as the client wants it. */
  wants(call: HeldCall, message: Message): boolean;
  /** The client has cancelled, or does not come back. */
  abandoned(call: HeldCall): void;
  /** The client has its answer. */
  delivered(call: HeldCall): void;
}

/** The client's request that waits at the moment. */
interface Turn {
  readonly call: Call;
  readonly answered: PromiseWithResolvers<Message>;
}

/** One call towards the server, over any number of requests of the client. */
export class HeldCall implements Call {
  readonly id = crypto.randomUUID();
  readonly message: Message;
  readonly request: RequestInfo;
  readonly session: Session;
  /** The client's first request, with its protocol fields. */
  readonly first: Message;
  readonly #host: HeldCallHost;
  readonly #controller = new AbortController();
  readonly #questions = new Map<string, Question>();
  /** Capabilities that the server needed and the client does not have. */
  readonly #missing = new Set<string>();
  #asked = 0;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #turn: Turn | undefined;
  #outcome: Message | GatewayError | undefined;

  /** @param session whom the call is said to belong to towards the server */
  constructor(call: Call, session: Session, host: HeldCallHost) {
    this.first = call.message;
    this.message = withoutProtocolMeta(call.message);
    this.request = call.request;
    this.session = session;
    this.#host = host;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether a request of the client waits. */
  get isAwaited(): boolean {
    return this.#turn !== undefined;
  }

  /** Takes the outcome; a later turn gets it when none waits now. */
  settle(outcome: Message | GatewayError): void {
    if (this.#outcome !== undefined) return;
    const hasFailed = !(outcome instanceof GatewayError) &&
      (outcome.isError || outcome.isToolError);
    this.#outcome = hasFailed && this.#missing.size > 0
      ? missingCapability(this.#missing)
      : outcome;
    this.#failQuestions("the call has ended");
    this.#deliver();
  }

  /**
   * A request of the client waits for the outcome, or for questions.
   *
   * @param answers raw answers by the keys that the questions had
   */
  wait(call: Call, answers?: RawObject): Promise<Message> {
    if (this.#turn !== undefined) {
      throw new GatewayError("InvalidRequest", "Cannot continue request: another one waits for it");
    }
    const answered = Promise.withResolvers<Message>();
    this.#turn = { call, answered };
    call.signal.addEventListener("abort", () => this.#left(call), { once: true });
    if (call.signal.aborted) this.#left(call);
    if (answers !== undefined) this.#take(answers);
    this.#deliver();
    return answered.promise;
  }

  notify(message: Message): Promise<void> {
    const { call } = this.#turn ?? {};
    if (call === undefined || !this.#host.wants(this, message)) return Promise.resolve();
    if (message.progressToken === undefined) return call.notify(message);
    const token = call.message.progressToken;
    return token === undefined ? Promise.resolve() : call.notify(message.withProgressToken(token));
  }

  ask(request: Message): Promise<Message> {
    if (request.method === "ping") return Promise.resolve(result(request.id!, {}));
    try {
      if (!mayRequireInput(this.message)) throw notCapable(request);
      const missing = this.#host.missingFor(this, request);
      if (missing !== undefined) {
        this.#missing.add(missing);
        throw notCapable(request);
      }
      this.#host.hold(this);
    } catch (error) {
      return Promise.reject(error);
    }
    const answered = Promise.withResolvers<Message>();
    this.#questions.set(`question-${++this.#asked}`, { request, answered });
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#deliver();
    }, GATHER_MS);
    return answered.promise;
  }

  /** The server no longer wants an answer. */
  cancelAsk(id: Uint8Array): void {
    const key: IdKey = idKey(id);
    for (const [name, { request, answered }] of this.#questions) {
      if (idKey(request.id!) !== key) continue;
      this.#questions.delete(name);
      answered.reject(new GatewayError("InternalError", "Cannot answer: cancelled"));
    }
  }

  /** Gives the call up: nobody comes back for it. */
  abandon(): void {
    this.#controller.abort();
    this.#failQuestions("the client has gone");
    this.#host.abandoned(this);
  }

  /** A client that leaves while it waits has cancelled. */
  #left(call: Call): void {
    if (this.#turn?.call !== call) return;
    this.#turn.answered.reject(new GatewayError("InternalError", "Cannot answer: cancelled"));
    this.#turn = undefined;
    this.abandon();
  }

  #take(answers: RawObject): void {
    for (const [name, { request, answered }] of this.#questions) {
      const answer = answers.get(name);
      if (answer === undefined) continue; // asked again
      this.#questions.delete(name);
      answered.resolve(rawResult(request.id!, answer));
    }
  }

  /** Answers the waiting request, if there is one and something to tell it. */
  #deliver(): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    const isAsking = this.#questions.size > 0 && this.#gathering === undefined;
    if (this.#outcome === undefined && !isAsking) return;
    this.#turn = undefined;
    if (this.#outcome !== undefined) this.#host.delivered(this);
    if (this.#outcome instanceof GatewayError) turn.answered.reject(this.#outcome);
    else if (this.#outcome !== undefined) {
      turn.answered.resolve(this.#outcome.withId(turn.call.message.id!));
    } else turn.answered.resolve(this.#inputRequired(turn.call.message.id!));
  }

  #inputRequired(id: Uint8Array): Message {
    const requests = new RawObject();
    for (const [name, { request }] of this.#questions) {
      const question = new RawObject().put("method", request.method);
      requests.set(name, question.set("params", paramsOf(request)).bytes());
    }
    const value = new RawObject().put("resultType", "input_required")
      .set("inputRequests", requests.bytes())
      .put("requestState", this.#host.requestState(this));
    return rawResult(id, value.bytes());
  }

  #failQuestions(why: string): void {
    for (const { answered } of this.#questions.values()) {
      answered.reject(new GatewayError("InternalError", `Cannot answer: ${why}`));
    }
    this.#questions.clear();
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
  }
}

/** What a server asks, without the token for progress that cannot come. */
function paramsOf(request: Message): Uint8Array {
  const params = new RawObject(request.bytes).object("params");
  const meta = params.object("_meta");
  meta.delete("progressToken");
  if (meta.size > 0) params.set("_meta", meta.bytes());
  else params.delete("_meta");
  return params.bytes();
}

/** What a server of the sessionless era has to say when it fails for want of a capability. */
function missingCapability(names: Iterable<string>): GatewayError {
  const requiredCapabilities = Object.fromEntries([...names].map((name) => [name, {}]));
  return new GatewayError(
    "MissingCapability",
    `Cannot complete call: it needs capabilities of the client: ${
      Object.keys(requiredCapabilities).join(", ")
    }`,
    { data: { requiredCapabilities } },
  );
}

function notCapable({ method }: Message): GatewayError {
  return new GatewayError(
    "MethodNotFound",
    `Cannot answer ${method}: the client does not support it`,
  );
}
