/**
 * Two tools instead of hundreds: one finds tools by words, the other calls what was found. For models
 * that are better off without long lists.
 *
 * @module
 */
import { rawResult } from "../core/compose.ts";
import { GatewayError } from "../core/errors.ts";
import { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import { FOR_NOW } from "./greeting.ts";
import { joinElements } from "./raw_array.ts";

/** Name of the tool that finds tools. */
export const SEARCH_TOOL = "sluice__search_tools";
/** Name of the tool that calls one. */
export const CALL_TOOL = "sluice__call_tool";
/** With more tools than this they are to be searched for. */
export const TOOLS_LISTED_MAX = 100;

const FOUND_DEFAULT = 10;
const FOUND_MAX = 50;
const WORDS_MAX = 20;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const TOOLS = [
  {
    name: SEARCH_TOOL,
    description:
      `Finds tools by words of their names and descriptions, best first. Call what it finds with ${CALL_TOOL}.`,
    inputSchema: {
      type: "object",
      properties: {
        query: { type: "string", description: "words that tell what the tool does" },
        limit: { type: "integer", minimum: 1, maximum: FOUND_MAX, default: FOUND_DEFAULT },
      },
      required: ["query"],
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  {
    name: CALL_TOOL,
    description:
      `Calls a tool that ${SEARCH_TOOL} has found, with arguments as its inputSchema asks for them.`,
    inputSchema: {
      type: "object",
      properties: {
        name: { type: "string", description: "name of the tool, as it was found" },
        arguments: { type: "object", description: "its arguments" },
      },
      required: ["name"],
    },
  },
];

/** What is listed instead of many tools. */
export const SEARCH_ITEMS: readonly Uint8Array[] = TOOLS.map((tool) =>
  encoder.encode(JSON.stringify(tool))
);

/**
 * The answer to a call of the search tool.
 *
 * @param items raw tools, under the names that clients see
 * @throws {GatewayError} InvalidParams when there is no query
 */
export function searchAnswer(message: Message, items: readonly Uint8Array[]): Message {
  const given = new RawObject(message.arguments);
  const query = given.value("query"), limit = given.value("limit") ?? FOUND_DEFAULT;
  const isCount = Number.isInteger(limit) && Number(limit) >= 1 && Number(limit) <= FOUND_MAX;
  if (typeof query !== "string" || !isCount) {
    throw new GatewayError(
      "InvalidParams",
      `Cannot search tools: give query, a text, and at most ${FOUND_MAX} as limit`,
      { status: 200 },
    );
  }
  const found = joinElements(search(query, items).slice(0, Number(limit)));
  const value = new RawObject()
    .put("content", [{ type: "text", text: decoder.decode(found) }])
    .set("structuredContent", new RawObject().set("tools", found).bytes());
  if (message.protocolVersion !== undefined) value.put("resultType", FOR_NOW.resultType);
  return rawResult(message.id!, value.bytes());
}

/** Tools that have words of the query, most and best first: a name counts three times as much as a description. */
export function search(query: string, items: readonly Uint8Array[]): Uint8Array[] {
  const words = [...new Set(wordsOf(query))].slice(0, WORDS_MAX);
  const scored = items.map((raw) => {
    const tool = new RawObject(raw);
    const name = String(tool.value("name")).toLowerCase();
    const text = String(tool.value("description") ?? "").toLowerCase();
    const scores = words.map((word) =>
      (name.includes(word) ? 3 : 0) + (text.includes(word) ? 1 : 0)
    );
    return { raw, score: scores.reduce((sum, one) => sum + one, 0) };
  });
  return scored.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score)
    .map(({ raw }) => raw);
}

/** The call that a call of the call-through tool stands for: its name and arguments, as they were given. */
export function innerCall(message: Message): Message {
  const whole = new RawObject(message.bytes);
  const params = whole.object("params");
  const given = params.object("arguments");
  const name = given.get("name"), args = given.get("arguments");
  if (name === undefined || typeof given.value("name") !== "string") {
    throw new GatewayError("InvalidParams", "Cannot call tool: arguments.name is missing", {
      status: 200,
    });
  }
  params.set("name", name);
  if (args === undefined) params.delete("arguments");
  else params.set("arguments", args);
  const inner = Message.from(whole.set("params", params.bytes()).bytes());
  return message.context === undefined ? inner : inner.withContext(message.context);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
}
