/**
 * `builtin:echo`: a native handler with one tool `echo` that returns its arguments' text. It answers
 * without a connection or a parse, so a bench through it measures the gateway alone.
 *
 * @module
 */
import { rawResult, result } from "../core/compose.ts";
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
  const id = message.id!;
  switch (message.method) {
    case "tools/call":
      if (message.name === "echo") {
        const content = message.protocolVersion === undefined ? CONTENT : MODERN_CONTENT;
        return rawResult(id, content, textOf(message.arguments), CONTENT_END);
      }
      throw new GatewayError("InvalidParams", `Cannot call tool: builtin:echo has only "echo"`, {
        status: 200,
      });
    case "initialize":
      return result(id, initializeResult(message.json().params?.protocolVersion, version));
    case "ping":
      return result(id, {});
    case "server/discover":
      return result(id, { ...COMPLETE, ...discoverResult(version), ...FOR_GOOD });
    case "tools/list":
      return result(id, { ...COMPLETE, tools: [ECHO_TOOL], ...FOR_GOOD });
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

/** The tool's text as JSON: `arguments.message`, or all of the arguments where there is no such text. */
function textOf(args: Uint8Array | undefined): Uint8Array {
  if (args === undefined) return EMPTY_TEXT;
  if (isOnlyMessage(args)) return args.subarray(ONLY_MESSAGE.length - 1, -1);
  const text = decoder.decode(args);
  const { message } = JSON.parse(text);
  return encoder.encode(JSON.stringify(typeof message === "string" ? message : text));
}

/** Whether the arguments are exactly `{"message":"..."}`: then its text is copied as it stands. */
function isOnlyMessage(args: Uint8Array): boolean {
  for (let i = 0; i < ONLY_MESSAGE.length; i++) {
    if (args[i] !== ONLY_MESSAGE[i]) return false;
  }
  const closing = args.indexOf(QUOTE, ONLY_MESSAGE.length);
  return closing === args.length - 2 && args[closing - 1] !== BACKSLASH;
}

const QUOTE = 0x22, BACKSLASH = 0x5c;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ONLY_MESSAGE = encoder.encode('{"message":"');
const EMPTY_TEXT = encoder.encode('""');
const MODERN_CONTENT = encoder.encode(
  '{"resultType":"complete","content":[{"type":"text","text":',
);
const CONTENT = encoder.encode('{"content":[{"type":"text","text":');
const CONTENT_END = encoder.encode("}]}");
