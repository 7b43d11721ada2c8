/**
 * Holds the arguments of tool calls against the schema that the client was told, before the server sees them.
 *
 * Source: MCP specification, server/tools (error handling): what is wrong with an input is a result with `isError`,
 * so that the model can mend it.
 *
 * @module
 */
import { identityOf } from "../../core/account.ts";
import { rawResult } from "../../core/compose.ts";
import { monotonicMs } from "../../core/clock.ts";
import type { Call, Handler, Policy } from "../../core/handler.ts";
import type { Message } from "../../core/message.ts";
import { RawObject } from "../../core/raw_object.ts";
import type { SecurityEvents } from "../../core/security_event.ts";
import { toolPages } from "../../core/tool_pages.ts";
import { within } from "../../core/waiting.ts";
import type { SchemaCompiler } from "./schema_compiler.ts";
import { ToolSchemas } from "./tool_schemas.ts";

/** What happens to arguments that do not match: nothing, a line in the audit log, or a refusal. */
export type ValidationMode = "off" | "log" | "deny";

/** What a check works with. */
export interface ArgumentCheckOptions {
  /** Name of the upstream. */
  readonly upstream: string;
  /** Of the whole gateway. */
  readonly compiler: SchemaCompiler;
  readonly mode: ValidationMode;
  readonly report: SecurityEvents;
  /** Told once of each schema that arguments cannot be held against. */
  readonly onUncheckable: (tool: string, why: string) => void;
}

/** So long a call waits for the list that tells of its tool, ms. */
const LIST_MS = 2000;
/** A list is read again for a call that fails, unless it is newer than this, ms: its server may have changed it. */
const LIST_FRESH_MS = 1000;
const CLIENTS_MAX = 10_000;
const UNCHECKABLE_MAX = 1000;

/** See the module. */
export class ArgumentCheck {
  /** The layer. */
  readonly policy: Policy = (next) => (call) => this.#handle(next, call);
  readonly #options: ArgumentCheckOptions;
  readonly #schemas: ToolSchemas;
  /** When each client's list was read last, ms. */
  readonly #readMs = new Map<string, number>();
  readonly #uncheckable = new Set<string>();

  constructor(options: ArgumentCheckOptions) {
    this.#options = options;
    this.#schemas = new ToolSchemas(options.compiler);
  }

  #handle(next: Handler, call: Call): Promise<Message | undefined> {
    const { method } = call.message;
    if (method !== "tools/call" && method !== "tools/list") return next(call);
    if (this.#options.mode === "off") return next(call);
    return method === "tools/call" ? this.#called(next, call) : this.#listed(next, call);
  }

  async #listed(next: Handler, call: Call): Promise<Message | undefined> {
    const answer = await next(call);
    const params = new RawObject(call.message.bytes).object("params");
    if (answer !== undefined) {
      this.#schemas.learn(clientOf(call), answer, params.get("cursor") === undefined);
    }
    return answer;
  }

  async #called(next: Handler, call: Call): Promise<Message | undefined> {
    const problem = await this.#problemOf(next, call);
    if (problem === undefined) return await next(call);
    const { upstream, report, mode } = this.#options;
    const { address } = call.request, principal = identityOf(call)?.principal;
    const detail = `tool ${JSON.stringify(call.message.name)}: ${problem}`;
    report({ type: "arguments_refused", address, principal, upstream, detail });
    return mode === "deny" ? refusal(call, problem) : await next(call);
  }

  /** What is wrong with the arguments of a call; `undefined` when nothing is, or nothing can be said. */
  async #problemOf(next: Handler, call: Call): Promise<string | undefined> {
    const client = clientOf(call);
    const value = argumentsOf(call.message);
    const found = this.#judge(client, call, value);
    const mayBeOutdated = found === "unknown" || typeof found === "object";
    if (mayBeOutdated && !this.#isFresh(client)) {
      await this.#read(next, call, client);
      return problemIn(this.#judge(client, call, value));
    }
    return problemIn(found);
  }

  #judge(client: string, { message }: Call, value: unknown): Judgement {
    const tool = message.name!;
    const compiled = this.#schemas.find(client, tool);
    if (compiled === undefined) return "unknown"; // the server knows what it does not have
    if ("uncheckable" in compiled) {
      this.#tellOf(tool, compiled.uncheckable);
      return "good";
    }
    const problem = compiled.check(value);
    return problem === undefined ? "good" : { problem };
  }

  /** Reads the list in the name of the client; what cannot be read leaves the call to its server. */
  async #read(next: Handler, call: Call, client: string): Promise<void> {
    this.#readMs.delete(client);
    this.#readMs.set(client, monotonicMs());
    if (this.#readMs.size > CLIENTS_MAX) this.#readMs.delete(this.#readMs.keys().next().value!);
    const reading = async () => {
      let isFirst = true;
      for await (const page of toolPages(next, call)) {
        this.#schemas.learn(client, page, isFirst);
        isFirst = false;
      }
    };
    await within(reading().catch(() => {}), LIST_MS);
  }

  #isFresh(client: string): boolean {
    return monotonicMs() - (this.#readMs.get(client) ?? -Infinity) < LIST_FRESH_MS;
  }

  #tellOf(tool: string, why: string): void {
    const key = `${tool}\n${why}`;
    if (this.#uncheckable.has(key) || this.#uncheckable.size >= UNCHECKABLE_MAX) return;
    this.#uncheckable.add(key);
    this.#options.onUncheckable(tool, why);
  }
}

/** What is known of the arguments of a call. */
type Judgement = "good" | "unknown" | { readonly problem: string };

function problemIn(judgement: Judgement): string | undefined {
  return typeof judgement === "object" ? judgement.problem : undefined;
}

/** Whoever was told a list: a session, or, without one, a principal. */
function clientOf({ session, message, request }: Call): string {
  if (!session.isSessionless) return `session ${session.id}`;
  return `principal ${identityOf({ message, request })?.principal ?? ""}`;
}

function argumentsOf(message: Message): unknown {
  const raw = message.arguments;
  return raw === undefined ? {} : JSON.parse(decoder.decode(raw));
}

function refusal({ message, session }: Call, problem: string): Message {
  const value = new RawObject();
  if (session.protocolVersion === undefined) value.put("resultType", "complete"); // of the era without handshake
  const text = `Cannot call ${message.name}: ${problem}`;
  value.put("content", [{ type: "text", text }]).put("isError", true);
  return rawResult(message.id!, value.bytes());
}

const decoder = new TextDecoder();
