/**
 * The official SDK's client as an agent host would have it: it answers what servers ask, and keeps what
 * they tell.
 *
 * @module
 */
import { Client } from "@modelcontextprotocol/sdk/client";
// The package's own pattern names types for `x`, but a module for `x.js`.
// @ts-types="@modelcontextprotocol/sdk/client/stdio"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport";
// @ts-types="@modelcontextprotocol/sdk/types"
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { OpenDoor } from "../fixtures/ways.ts";
import { Mailbox, type Told } from "./mailbox.ts";
import { FORM, ROOT, watchArrivals } from "./traveller.ts";

/** A connected client. Dispose it to end its session and its process. */
export interface SdkClient extends AsyncDisposable {
  readonly client: Client;
  /** Methods of the requests that the server made. */
  readonly asked: readonly string[];
  /** Waits for a notification that came, or comes, since the last one that was taken this way. */
  told(method: string, fits?: (told: Told) => boolean): Promise<Told>;
  /**
   * Steps of progress and answers, as they arrive from now on: the SDK itself drops progress that comes
   * together with the answer (typescript-sdk#2580).
   */
  arrivals(): readonly (number | "answer")[];
  /** What the transport complained about. */
  readonly complaints: readonly string[];
  /** What the processes in between have logged. */
  log(): string;
}

/** Connects a client with all capabilities. */
export async function connectSdkClient({ door, log }: OpenDoor): Promise<SdkClient> {
  const client = new Client({ name: "sdk-client", version: "1.0.0" }, {
    capabilities: { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } },
  });
  const asked = answerEverything(client);
  const mailbox = new Mailbox();
  client.fallbackNotificationHandler = (told) => Promise.resolve(mailbox.put(told as Told));
  const complaints: string[] = [];
  client.onerror = (error) => complaints.push(error.message);
  let childLog = "";
  let transport: StdioClientTransport | StreamableHTTPClientTransport;
  if ("url" in door) transport = new StreamableHTTPClientTransport(door.url);
  else {
    const { program, args, cwd } = door.command;
    transport = new StdioClientTransport({
      command: program,
      args: [...args],
      cwd,
      env: Deno.env.toObject(), // the default leaves out where Deno keeps its packages
      stderr: "pipe",
    });
    transport.stderr!.on("data", (chunk) => childLog += chunk);
  }
  await client.connect(transport as Transport);
  return {
    client,
    asked,
    complaints,
    arrivals: () => watchArrivals(client.transport!),
    told: (method, fits) => mailbox.take(method, fits),
    log: () => log() + childLog,
    async [Symbol.asyncDispose]() {
      if (transport instanceof StreamableHTTPClientTransport) await leave(transport);
      await client.close();
    },
  };
}

/** Ends the session, unless the gateway has ended before its client. */
async function leave(transport: StreamableHTTPClientTransport): Promise<void> {
  try {
    await transport.terminateSession();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // what fetch throws without a server
  }
}

function answerEverything(client: Client): string[] {
  const asked: string[] = [];
  client.setRequestHandler(CreateMessageRequestSchema, ({ method, params }) => {
    asked.push(method);
    const [{ content }] = params.messages;
    const said = JSON.stringify(content);
    return {
      role: "assistant",
      model: "test-model",
      content: { type: "text", text: `sampled ${said}` },
    };
  });
  client.setRequestHandler(ElicitRequestSchema, ({ method }) => {
    asked.push(method);
    return { action: "accept", content: FORM };
  });
  client.setRequestHandler(ListRootsRequestSchema, ({ method }) => {
    asked.push(method);
    return { roots: [ROOT] };
  });
  return asked;
}
