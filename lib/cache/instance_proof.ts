/**
 * Whether an export belongs to the gateway behind a connection: the gateway itself says so, over that connection. Paths,
 * addresses and process ids can be those of another by now; a random name of 122 bits in a file that only its owner can
 * read cannot.
 *
 * @module
 */
import { request as requestOf, result } from "../core/compose.ts";
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Handler, Policy, Session } from "../core/handler.ts";
import { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import { INSTANCE_METHOD } from "./export_state.ts";

/** A proof is good for so long: the connection may have come to lead elsewhere, ms. */
const PROOF_MS = 10_000;
/** A gateway that has not answered by then is asked again, ms. */
const ANSWER_MS = 5_000;

/** See the module. */
export class InstanceProof {
  #instance: string | undefined;
  #provedMs = -Infinity;
  #askedMs = -Infinity;

  /** Whether the gateway has lately said that it is this instance. */
  holds(instance: string, nowMs: number): boolean {
    return this.#instance === instance && nowMs - this.#provedMs < PROOF_MS;
  }

  /**
   * Asks, unless an answer is awaited or has come lately. Never rejects.
   *
   * @param call in whose session
   */
  async ask(call: Call, next: Handler, nowMs: number): Promise<void> {
    if (nowMs - this.#askedMs < ANSWER_MS) return;
    this.#askedMs = nowMs;
    try {
      const answer = await next(new ProofCall(call));
      const said: unknown = answer?.isError === false ? answer.json().result?.instance : undefined;
      this.#instance = typeof said === "string" ? said : undefined;
      this.#provedMs = nowMs;
    } catch {
      this.#instance = undefined; // nothing is proved; whoever called asks the upstream itself
    }
  }
}

/** A layer that says which instance this gateway is, as soon as it is one that exports. */
export function answerInstance(instance: () => string | undefined): Policy {
  return (next) => (call) => {
    const { method, id } = call.message;
    const own = method === INSTANCE_METHOD && id !== undefined ? instance() : undefined;
    if (own === undefined) return next(call);
    return Promise.resolve(result(id!, { resultType: "complete", instance: own }));
  };
}

/** The question, asked in the name of a client whose call shows how it speaks. */
class ProofCall implements Call {
  readonly message: Message;
  readonly request: RequestInfo;
  readonly session: Session;
  readonly signal = AbortSignal.timeout(ANSWER_MS);

  constructor({ message, request, session }: Call) {
    this.message = questionLike(message);
    this.request = request;
    this.session = session;
  }

  notify(): Promise<void> {
    return Promise.resolve(); // there is nothing to be told of
  }

  ask({ method }: Message): Promise<Message> {
    const why = "the gateway asked for itself";
    return Promise.reject(new GatewayError("MethodNotFound", `Cannot answer ${method}: ${why}`));
  }
}

/** The question with the protocol fields of another message. */
function questionLike(message: Message): Message {
  const id = `instance-${crypto.randomUUID()}`;
  if (message.protocolVersion === undefined) return requestOf(id, INSTANCE_METHOD);
  const meta = new RawObject(message.bytes).object("params").object("_meta");
  meta.delete("progressToken");
  const params = new RawObject().set("_meta", meta.bytes());
  const text = new RawObject().put("jsonrpc", "2.0").put("id", id).put("method", INSTANCE_METHOD);
  return Message.from(text.set("params", params.bytes()).bytes());
}
