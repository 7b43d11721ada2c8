/**
 * Everything that an SDK client can do with the reference server, one after the other in one session, on a
 * given way through Sluice.
 *
 * @module
 */
import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { everythingServer } from "../fixtures/servers.ts";
import type { Way } from "../fixtures/ways.ts";
import { recorded, type Recording } from "./recording.ts";
import { connectSdkClient, type SdkClient } from "./sdk_client.ts";
import { FORM, ROOT, seriousOf } from "./traveller.ts";

/** What a step has to work with. */
interface Journey extends SdkClient {
  /** What the server was sent. */
  readonly recording: Recording;
}

type Step = (journey: Journey) => Promise<void>;

/** Tools that the reference server offers only to a client with the right capabilities. */
const CONDITIONAL_TOOLS = [
  ...["get-roots-list", "trigger-sampling-request", "trigger-elicitation-request"],
];
const LONG = "trigger-long-running-operation";
const WATCHED_URI = "demo://resource/dynamic/text/1";

const STEPS: Record<string, Step> = {
  async "initialize gives the server's own identity"({ client }) {
    assert.equal(client.getServerVersion()?.name, "mcp-servers/everything");
    assert.ok((client.getInstructions() ?? "").length > 100);
    assert.ok(client.getServerCapabilities()?.resources?.subscribe);
    await client.ping();
  },

  async "tools/list has the tools for the client's capabilities"({ client, told }) {
    await told("notifications/tools/list_changed"); // they appear after the handshake
    const names = (await client.listTools()).tools.map(({ name }) => name);
    assert.equal(names.length, 16);
    for (const name of CONDITIONAL_TOOLS) assert.ok(names.includes(name), name);
  },

  async "tools/call echoes any text"({ client }) {
    for (const message of ["", "hi", 'a"b\\c\n\r\t\u2028\u2029\u0000 é 漢 🦕 \ud800']) {
      assert.equal(await call(client, "echo", { message }), `Echo: ${message}`);
    }
  },

  async "tools/call echoes 1 MiB"({ client }) {
    const message = "0123456789abcdef".repeat(65_536);
    assert.equal(await call(client, "echo", { message }), `Echo: ${message}`);
  },

  async "50 calls at once get their own answers"({ client }) {
    const sums = Array.from({ length: 50 }, (_, i) => call(client, "get-sum", { a: i, b: 1000 }));
    const expected = sums.map((_, i) => `The sum of ${i} and 1000 is ${i + 1000}.`);
    assert.deepEqual(await Promise.all(sums), expected);
  },

  async "an unknown tool is the server's to refuse"({ client }) {
    const { isError, content } = await client.callTool({ name: "no-such-tool" });
    assert.equal(isError, true);
    assert.match(JSON.stringify(content), /-32602.*no-such-tool/);
  },

  async "sampling reaches the client and its answer the server"({ client, asked }) {
    const text = await call(client, "trigger-sampling-request", { prompt: "Why?", maxTokens: 5 });
    assert.match(text, /"model": "test-model"/);
    assert.match(text, /sampled .*Why\?/);
    assert.ok(asked.includes("sampling/createMessage"));
  },

  async "elicitation reaches the client and its answer the server"({ client, asked }) {
    const text = await call(client, "trigger-elicitation-request", {});
    assert.match(text, new RegExp(`Name: ${FORM.name}`));
    assert.match(text, new RegExp(`Favorite Integer: ${FORM.integer}`));
    assert.ok(asked.includes("elicitation/create"));
  },

  async "roots are asked for, and again when they changed"({ client, asked, told }) {
    const aboutRoots = ({ params }: { params?: unknown }) => /Roots updated/.test(text(params));
    await told("notifications/message", aboutRoots); // the server asks by itself after the handshake
    assert.match(await call(client, "get-roots-list", {}), new RegExp(ROOT.uri));
    const before = asked.filter((method) => method === "roots/list").length;
    await client.sendRootsListChanged();
    await told("notifications/message", aboutRoots);
    assert.equal(asked.filter((method) => method === "roots/list").length, before + 1);
  },

  async "progress arrives whole, in order and before the answer"({ client, arrivals }) {
    const arrived = arrivals();
    const params = { name: LONG, arguments: { duration: 0.2, steps: 20 } };
    await client.callTool(params, undefined, { onprogress: () => {} });
    assert.deepEqual(arrived, [...Array.from({ length: 20 }, (_, i) => i + 1), "answer"]);
  },

  async "a cancellation reaches the server, and the session goes on"({ client, recording }) {
    const controller = new AbortController();
    const params = { name: LONG, arguments: { duration: 600, steps: 6000 } };
    const started = Promise.withResolvers<void>();
    const calling = client.callTool(params, undefined, {
      signal: controller.signal,
      onprogress: () => started.resolve(),
    });
    await bounded(Promise.race([started.promise, calling]), "progress of the long call");
    controller.abort("the test says so");
    await assert.rejects(calling, /the test says so/);
    const request = recording.find((sent) =>
      sent.params?.name === LONG && durationOf(sent) === 600
    );
    // Each echo is a sign that the pipe to the server has moved on.
    const isCancelled = () =>
      recording.find((sent) =>
        sent.method === "notifications/cancelled" && sent.params?.requestId === request?.id
      );
    const deadlineMs = performance.now() + 30_000;
    while (isCancelled() === undefined) {
      assert.ok(performance.now() < deadlineMs, "the server never got the cancellation");
      assert.equal(await call(client, "echo", { message: "still here" }), "Echo: still here");
    }
    assert.equal(isCancelled()?.params?.reason, "the test says so");
    assert.equal(await call(client, "get-sum", { a: 1, b: 2 }), "The sum of 1 and 2 is 3.");
  },

  async "a subscribed resource reports its updates"({ client, told }) {
    await client.subscribeResource({ uri: WATCHED_URI });
    await call(client, "toggle-subscriber-updates", {});
    const { params } = await told("notifications/resources/updated");
    assert.equal(params.uri, WATCHED_URI);
    await call(client, "toggle-subscriber-updates", {});
    await client.unsubscribeResource({ uri: WATCHED_URI });
  },

  async "log messages arrive at the level that was set"({ client, told }) {
    await client.setLoggingLevel("debug");
    await call(client, "toggle-simulated-logging", {});
    await told("notifications/message", ({ params }) => /-level/.test(text(params)));
    await call(client, "toggle-simulated-logging", {});
  },

  async "a new resource is announced, listed and read"({ client, told }) {
    const before = (await client.listResources()).resources.length;
    const data = "data:text/plain,sluice";
    const result = await client.callTool({
      name: "gzip-file-as-resource",
      arguments: { name: "sluice.gz", data, outputType: "resourceLink" },
    });
    const [{ uri }] = result.content as [{ uri: string }];
    await told("notifications/resources/list_changed");
    const { resources } = await client.listResources();
    assert.equal(resources.length, before + 1);
    const [{ blob }] = (await client.readResource({ uri })).contents as { blob: string }[];
    const bytes = Uint8Array.fromBase64(blob);
    const gunzip = new Response(bytes).body!.pipeThrough(new DecompressionStream("gzip"));
    assert.equal(await new Response(gunzip).text(), "sluice");
  },

  async "resource templates are listed and read"({ client }) {
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.equal(resourceTemplates.length, 2);
    const { contents } = await client.readResource({ uri: WATCHED_URI });
    assert.match(text(contents), /Resource 1: This is a plaintext resource/);
    await assert.rejects(client.readResource({ uri: "demo://none" }), { code: -32602 });
  },

  async "prompts are listed and filled"({ client }) {
    const { prompts } = await client.listPrompts();
    assert.ok(prompts.some(({ name }) => name === "args-prompt"));
    const { messages } = await client.getPrompt({
      name: "args-prompt",
      arguments: { city: "Zürich", state: "ZH" },
    });
    assert.match(text(messages), /Zürich, ZH/);
  },

  async "arguments are completed, in their context"({ client }) {
    const ref = { type: "ref/prompt" as const, name: "completable-prompt" };
    const first = await client.complete({ ref, argument: { name: "department", value: "S" } });
    assert.deepEqual(first.completion.values, ["Sales", "Support"]);
    const second = await client.complete({
      ref,
      argument: { name: "name", value: "" },
      context: { arguments: { department: "Sales" } },
    });
    assert.deepEqual(second.completion.values, ["David", "Eve", "Frank"]);
  },

  async "a task asks the client on its way and gives its result"({ client, asked }) {
    const before = asked.length;
    const params = {
      name: "simulate-research-query",
      arguments: { topic: "python", ambiguous: true },
    };
    const kinds: string[] = [];
    for await (const message of client.experimental.tasks.callToolStream(params)) {
      kinds.push(message.type);
      if (message.type === "error") throw message.error;
      if (message.type === "result") assert.match(text(message.result), /python/);
    }
    assert.equal(kinds[0], "taskCreated");
    assert.equal(kinds.at(-1), "result");
    assert.deepEqual(asked.slice(before), ["elicitation/create"]);
  },

  async "nothing went wrong on the way"({ client, complaints }) {
    await client.ping();
    assert.deepEqual(seriousOf(complaints), []);
  },
};

/** Makes the journey; every step is a step of the test. */
export async function travel(way: Way, t: Deno.TestContext): Promise<void> {
  await using recording = await recorded(everythingServer());
  await using door = await way.open(recording.command);
  await using client = await connectSdkClient(door);
  const journey: Journey = { ...client, recording };
  let failed = 0;
  for (const [name, step] of Object.entries(STEPS)) {
    const done = await t.step({
      name,
      // The session lives on from step to step; the test around them checks that it ends.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => bounded(step(journey), name, 60_000),
    });
    if (!done) failed++;
  }
  if (failed > 0) console.error(client.log());
}

async function call(client: SdkClient["client"], name: string, args: Record<string, unknown>) {
  const { content, isError } = await client.callTool({ name, arguments: args });
  assert.ok(!isError, text(content));
  return (content as { text: string }[]).map(({ text }) => text).join("\n");
}

function durationOf(sent: { params?: { arguments?: { duration?: number } } }) {
  return sent.params?.arguments?.duration;
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
