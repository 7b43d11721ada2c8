/**
 * `builtin:echo`: a native handler with one tool `echo` that returns its arguments' text. It answers
 * without a connection or a parse, so a bench through it measures the gateway alone.
 *
 * @module
 */
import { echoedResult, result } from "../core/compose.ts";
import { Slot } from "../core/envelope.ts";
import {
  isLegacyVersion,
  LATEST_LEGACY_VERSION,
  META_PREFIX,
  MODERN_VERSIONS,
} from "../core/eras.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { Upstream } from "../core/upstream.ts";

const ECHO_TOOL = {
  name: "echo",
  description: "Returns its arguments.",
  inputSchema: { type: "object", properties: { message: { type: "string" } } },
};

/** Builds the native echo server. */
export function echoUpstream(name: string, version: string): Upstream {
  return {
    name,
    handle: (call) => Promise.resolve(answer(call, version)),
    load: () => 0,
    ready: () => true,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function answer(call: Call, version: string): Message | undefined {
  const { message } = call;
  if (message.kind !== "request") return undefined;
  switch (message.method) {
    case "tools/call":
      if (message.name === "echo") {
        return echo(message);
      }
      throw new GatewayError("InvalidParams", `Cannot call tool: builtin:echo has only "echo"`, {
        status: 200,
      });
    case "initialize":
      return result(message.id!, initializeResult(message.json().params?.protocolVersion, version));
    case "ping":
      return result(message.id!, {});
    case "server/discover":
      return result(message.id!, { ...COMPLETE, ...discoverResult(version), ...FOR_GOOD });
    case "tools/list":
      return result(message.id!, { ...COMPLETE, tools: [ECHO_TOOL], ...FOR_GOOD });
    default:
      throw new GatewayError("MethodNotFound", `Cannot handle ${message.method}: unknown method`, {
        status: 200,
      });
  }
}

function initializeResult(asked: unknown, version: string) {
  return {
    protocolVersion: typeof asked === "string" && isLegacyVersion(asked)
      ? asked
      : LATEST_LEGACY_VERSION,
    capabilities: { tools: {} },
    serverInfo: { name: "sluice-echo", version },
  };
}

/** What results of the sessionless era say of themselves; clients with a handshake do not mind. */
const COMPLETE = { resultType: "complete" };
/** The list never changes, and is the same for everybody. */
const FOR_GOOD = { ttlMs: 3_600_000, cacheScope: "public" };

function discoverResult(version: string) {
  return {
    supportedVersions: MODERN_VERSIONS,
    capabilities: { tools: {} },
    _meta: { [`${META_PREFIX}serverInfo`]: { name: "sluice-echo", version } },
  };
}

/** The text of the answer: `arguments.message`, or all of the arguments where there is no such text. */
function echo(message: Message): Message {
  const head = message.protocolVersion === undefined ? CONTENT : MODERN_CONTENT;
  const start = message.startOf(Slot.arguments), end = message.endOf(Slot.arguments);
  if (start >= 0 && isOnlyMessage(message.bytes, start, end)) {
    return echoedResult(message, head, start + TEXT_AT, end - 1, CONTENT_END);
  }
  const text = encoder.encode(JSON.stringify(textOf(message.arguments)));
  return echoedResult(message, joined(head, text), 0, 0, CONTENT_END);
}

function textOf(args: Uint8Array | undefined): string {
  if (args === undefined) return "";
  const text = decoder.decode(args);
  const { message } = JSON.parse(text);
  return typeof message === "string" ? message : text;
}

/** Whether the arguments are exactly `{"message":"..."}`: then its text is copied as it stands. */
function isOnlyMessage(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < ONLY_MESSAGE.length; i++) {
    if (bytes[start + i] !== ONLY_MESSAGE[i]) return false;
  }
  const closing = bytes.indexOf(QUOTE, start + ONLY_MESSAGE.length);
  return closing === end - 2 && bytes[closing - 1] !== BACKSLASH;
}

function joined(head: Uint8Array, text: Uint8Array): Uint8Array {
  const both = new Uint8Array(head.length + text.length);
  both.set(head);
  both.set(text, head.length);
  return both;
}

const QUOTE = 0x22, BACKSLASH = 0x5c;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ONLY_MESSAGE = encoder.encode('{"message":"');
/** Where its text begins, the quote included. */
const TEXT_AT = ONLY_MESSAGE.length - 1;
const MODERN_CONTENT = encoder.encode(
  ',"result":{"resultType":"complete","content":[{"type":"text","text":',
);
const CONTENT = encoder.encode(',"result":{"content":[{"type":"text","text":');
const CONTENT_END = encoder.encode("}]}}");
