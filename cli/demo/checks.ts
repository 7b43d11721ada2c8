/**
 * What the demo calls, and what has to come back.
 *
 * @module
 */
import { Client } from "@modelcontextprotocol/sdk/client";
// The package's own pattern names types for `x`, but a module for `x.js`.
// @ts-types="@modelcontextprotocol/sdk/types"
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

/** One line of the demo's table. */
export interface Check {
  /** What is called. */
  readonly called: string;
  /** How often, for a p50. */
  readonly repeats: number;
  /** What the answer in short has to look like. */
  readonly expected: RegExp;
  /** Calls, and gives the answer in short. */
  run(client: Client): Promise<string>;
}

const QUICK = 21;
const SLOW = 3;

/** What the client's model says in the demo. */
const SAMPLED = "a joke about sluices";
/** What the client's user enters in the demo. */
const USER = "Ada";

/** A client as an agent host has it: it can ask a model and a user. */
export function createDemoClient(): Client {
  const client = new Client({ name: "sluice-demo-client", version: "1.0.0" }, {
    capabilities: { sampling: {}, elicitation: { form: {} } },
  });
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    role: "assistant",
    model: "demo",
    content: { type: "text", text: SAMPLED },
  }));
  client.setRequestHandler(ElicitRequestSchema, () => ({
    action: "accept",
    content: { name: USER },
  }));
  return client;
}

const PING: Check = {
  called: "ping",
  repeats: QUICK,
  expected: /^pong$/,
  run: async (client) => (await client.ping(), "pong"),
};

const TOOLS_LIST: Check = {
  called: "tools/list",
  repeats: QUICK,
  expected: /^[1-9]\d* tools?$/,
  run: async (client) => counted((await client.listTools()).tools, "tool"),
};

const RESOURCES_LIST: Check = {
  called: "resources/list",
  repeats: QUICK,
  expected: /^[1-9]\d* resources?$/,
  run: async (client) => counted((await client.listResources()).resources, "resource"),
};

const PROMPTS_LIST: Check = {
  called: "prompts/list",
  repeats: QUICK,
  expected: /^[1-9]\d* prompts?$/,
  run: async (client) => counted((await client.listPrompts()).prompts, "prompt"),
};

/** For the built-in demo server. */
export const DEMO_CHECKS: readonly Check[] = [
  PING,
  TOOLS_LIST,
  tool("echo", { message: "hello" }, /^hello$/),
  tool("add", { a: 2, b: 40 }, /^42$/),
  progress("countdown", { steps: 5 }, 5),
  RESOURCES_LIST,
  resource("demo://about", /^The demo server of Sluice \d+\.\d+\.\d+/),
  PROMPTS_LIST,
  prompt("greet", { name: USER }, /Say hello to Ada\./),
];

/** For the reference server of the MCP project. */
export const EVERYTHING_CHECKS: readonly Check[] = [
  PING,
  TOOLS_LIST,
  tool("echo", { message: "hello" }, /^Echo: hello$/),
  tool("get-sum", { a: 2, b: 40 }, /The sum of 2 and 40 is 42/),
  progress("trigger-long-running-operation", { duration: 0.05, steps: 5 }, 5),
  {
    ...tool("trigger-sampling-request", { prompt: "Tell a joke." }, new RegExp(SAMPLED)),
    called: "  which asks the client's model",
  },
  {
    ...tool("trigger-elicitation-request", {}, new RegExp(`Name: ${USER}`)),
    called: "  which asks the client's user",
  },
  RESOURCES_LIST,
  resource("demo://resource/dynamic/text/1", /^Resource 1: This is a plaintext resource/),
  PROMPTS_LIST,
  prompt("args-prompt", { city: "Delft" }, /What's weather in Delft\?/),
  {
    called: "completion/complete",
    repeats: QUICK,
    expected: /^Sales, Support$/,
    async run(client) {
      const ref = { type: "ref/prompt" as const, name: "completable-prompt" };
      const argument = { name: "department", value: "S" };
      return (await client.complete({ ref, argument })).completion.values.join(", ");
    },
  },
];

function tool(name: string, args: Record<string, unknown>, expected: RegExp): Check {
  return {
    called: `tools/call ${name}`,
    repeats: QUICK,
    expected,
    run: async (client) => textOf(await client.callTool({ name, arguments: args })),
  };
}

/** Counts what arrives: SDK 1.32.2 drops progress that comes together with the answer (typescript-sdk#2580). */
function progress(name: string, args: Record<string, unknown>, steps: number): Check {
  return {
    called: "  with progress",
    repeats: SLOW,
    expected: new RegExp(`^${steps} steps of progress$`),
    async run(client) {
      const transport = client.transport!;
      const { onmessage } = transport;
      const seen: unknown[] = [];
      transport.onmessage = (message, extra) => {
        const isProgress = "method" in message && message.method === "notifications/progress";
        if (isProgress) seen.push(message.params?.progress);
        onmessage?.(message, extra);
      };
      try {
        await client.callTool({ name, arguments: args }, undefined, { onprogress: () => {} });
      } finally {
        transport.onmessage = onmessage;
      }
      const inOrder = seen.every((step, i) => step === i + 1);
      return `${inOrder ? "" : "out of order: "}${seen.length} steps of progress`;
    },
  };
}

function resource(uri: string, expected: RegExp): Check {
  return {
    called: "resources/read",
    repeats: QUICK,
    expected,
    async run(client) {
      const [content] = (await client.readResource({ uri })).contents;
      return "text" in content ? content.text : "no text";
    },
  };
}

function prompt(name: string, args: Record<string, string>, expected: RegExp): Check {
  return {
    called: `prompts/get ${name}`,
    repeats: QUICK,
    expected,
    async run(client) {
      const [{ content }] = (await client.getPrompt({ name, arguments: args })).messages;
      return content.type === "text" ? content.text : content.type;
    },
  };
}

function counted({ length }: readonly unknown[], what: string): string {
  return `${length} ${what}${length === 1 ? "" : "s"}`;
}

function textOf(result: object): string {
  const { content, isError } = result as { content: { text?: string }[]; isError?: boolean };
  return `${isError ? "error: " : ""}${content.map(({ text }) => text ?? "").join(" ")}`;
}
