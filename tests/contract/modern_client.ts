/**
 * The client of the SDK's second generation, which speaks both eras, as an agent host would have it.
 *
 * @module
 */
import {
  Client,
  type ClientCapabilities,
  LOG_LEVEL_META_KEY,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { bounded } from "../fixtures/child_wait.ts";
import type { OpenDoor } from "../fixtures/ways.ts";
import { Mailbox, type Told } from "./mailbox.ts";
import { FORM, ROOT, textOf, type Traveller, watchArrivals } from "./traveller.ts";

/** How it finds out which era to speak. */
export const MODES = {
  auto: "auto",
  modern: { pin: "2026-07-28" },
  legacy: "legacy",
} as const satisfies Record<string, VersionNegotiationMode>;

/** A name of {@link MODES}. */
export type Mode = keyof typeof MODES;

/** Longer than any wait here: a probe that ran into it would fail the test, ms. */
const PROBE_MS = 300_000;

/** All that servers may ask of a client. */
const ASKABLE: ClientCapabilities = {
  sampling: {},
  elicitation: { form: {} },
  roots: { listChanged: true },
};

/** How a client is to be. */
export interface ModernClientOptions {
  /** `auto` where it is left out. */
  readonly mode?: Mode;
  /** Whether servers may ask it for something; yes where it is left out. */
  readonly isAskable?: boolean;
}

/** A connected client. */
export interface ModernClient extends Traveller {
  readonly client: Client;
  /** What the process that it spawned has logged. */
  log(): string;
}

/** Connects a client. */
export async function connectModernClient(
  { door }: OpenDoor,
  { mode = "auto", isAskable = true }: ModernClientOptions = {},
): Promise<ModernClient> {
  const client = new Client({ name: "modern-client", version: "1.0.0" }, {
    capabilities: isAskable ? ASKABLE : {},
    versionNegotiation: { mode: MODES[mode], probe: { timeoutMs: PROBE_MS } },
  });
  const asked = isAskable ? answerEverything(client) : [];
  const mailbox = new Mailbox();
  client.fallbackNotificationHandler = (told) => Promise.resolve(mailbox.put(told as Told));
  const complaints: string[] = [];
  client.onerror = (error) => complaints.push(error.message);
  const { transport, log } = transportTo(door);
  await bounded(client.connect(transport), "the connection of the client");
  let logMeta = {};
  return {
    client,
    asked,
    complaints,
    arrivals: () => watchArrivals(client.transport!),
    log,
    era: client.getProtocolEra()!,
    call: async (name, args = {}, options) =>
      textOf(await client.callTool({ name, arguments: args, ...logMeta }, options)),
    told: (method, fits) => mailbox.take(method, fits),
    watch: (...uris) => watch(client, uris),
    async logFrom(level) {
      if (client.getProtocolEra() === "legacy") await client.setLoggingLevel(level);
      else logMeta = { _meta: { [LOG_LEVEL_META_KEY]: level } };
    },
    async [Symbol.asyncDispose]() {
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
      await client.close();
    },
  };
}

function transportTo(door: OpenDoor["door"]) {
  if ("url" in door) {
    return { transport: new StreamableHTTPClientTransport(door.url), log: () => "" };
  }
  const { program, args, cwd } = door.command;
  const transport = new StdioClientTransport({
    command: program,
    args: [...args],
    cwd,
    env: Deno.env.toObject(), // the default leaves out where Deno keeps its packages
    stderr: "pipe",
  });
  let logged = "";
  transport.stderr!.on("data", (chunk) => logged += chunk);
  return { transport, log: () => logged };
}

/** Each era has its own way to be told; with a handshake changed lists need no asking for. */
async function watch(client: Client, uris: string[]): Promise<void> {
  if (client.getProtocolEra() === "legacy") {
    for (const uri of uris) await client.subscribeResource({ uri });
    return;
  }
  await client.listen({
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
    ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
  });
}

function answerEverything(client: Client): string[] {
  const asked: string[] = [];
  client.setRequestHandler("sampling/createMessage", ({ method, params }) => {
    asked.push(method);
    const said = JSON.stringify(params.messages[0].content);
    return {
      role: "assistant",
      model: "test-model",
      content: { type: "text", text: `sampled ${said}` },
    };
  });
  client.setRequestHandler("elicitation/create", ({ method }) => {
    asked.push(method);
    return { action: "accept", content: FORM };
  });
  client.setRequestHandler("roots/list", ({ method }) => {
    asked.push(method);
    return { roots: [ROOT] };
  });
  return asked;
}
