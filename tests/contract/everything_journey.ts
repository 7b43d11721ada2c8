/**
 * What a client of the second SDK generation can do with server-everything, which knows only the handshake,
 * on a given way through Sluice.
 *
 * @module
 */
import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { everythingServer } from "../fixtures/servers.ts";
import type { Way } from "../fixtures/ways.ts";
import { type Steps, takeSteps } from "./journey.ts";
import { connectModernClient, type Mode, type ModernClient } from "./modern_client.ts";
import { recorded, type Recording } from "./recording.ts";
import { FORM, ROOT, seriousOf, type Traveller } from "./traveller.ts";

/** What a step has to work with. */
interface Scene {
  /** A client that servers may ask. */
  readonly askable: Traveller;
  /** One that they may not: without sessions, what it calls may change what it sees later. */
  readonly plain: Traveller;
  /** What the servers were sent. */
  readonly recording: Recording;
}

const LONG = "trigger-long-running-operation";
const LONG_S = 600;
const WATCHED_URI = "demo://resource/dynamic/text/1";
const CONDITIONAL_TOOLS = [
  ...["get-roots-list", "trigger-sampling-request", "trigger-elicitation-request"],
];

const STEPS: Steps<Scene> = {
  async "the server's own identity arrives"({ askable: { client } }) {
    assert.equal(client.getServerVersion()?.name, "mcp-servers/everything");
    assert.ok((client.getInstructions() ?? "").length > 100);
    assert.ok(client.getServerCapabilities()?.resources?.subscribe);
    await client.listTools();
  },

  async "the tools are those for the client's capabilities"({ plain, askable }) {
    if (askable.era === "legacy") await askable.told("notifications/tools/list_changed");
    assert.equal((await plain.client.listTools()).tools.length, 13);
    const names = (await askable.client.listTools()).tools.map(({ name }: Named) => name);
    assert.equal(names.length, 16);
    for (const name of CONDITIONAL_TOOLS) assert.ok(names.includes(name), name);
  },

  async "any text is echoed, 1 MiB too"({ plain, askable }) {
    for (const message of ["", "hi", 'a"b\\c\n\r\t\u2028\u2029\u0000 é 漢 🦕', MEBIBYTE_TEXT]) {
      assert.equal(await plain.call("echo", { message }), `Echo: ${message}`);
      assert.equal(await askable.call("echo", { message }), `Echo: ${message}`);
    }
  },

  async "50 calls at once get their own answers"({ plain }) {
    const sums = Array.from({ length: 50 }, (_, i) => plain.call("get-sum", { a: i, b: 1000 }));
    const expected = sums.map((_, i) => `The sum of ${i} and 1000 is ${i + 1000}.`);
    assert.deepEqual(await Promise.all(sums), expected);
  },

  async "an unknown tool is the server's to refuse"({ askable }) {
    await assert.rejects(askable.call("no-such-tool"), /-32602.*no-such-tool/);
  },

  async "sampling reaches the client and its answer the server"({ askable }) {
    const text = await askable.call("trigger-sampling-request", { prompt: "Why?", maxTokens: 5 });
    assert.match(text, /"model": "test-model"/);
    assert.match(text, /sampled .*Why\?/);
    assert.ok(askable.asked.includes("sampling/createMessage"));
  },

  async "elicitation reaches the client and its answer the server"({ askable }) {
    const text = await askable.call("trigger-elicitation-request");
    assert.match(text, new RegExp(`Name: ${FORM.name}`));
    assert.match(text, new RegExp(`Favorite Integer: ${FORM.integer}`));
    assert.ok(askable.asked.includes("elicitation/create"));
  },

  async "the client's roots reach the server"({ askable }) {
    assert.match(await askable.call("get-roots-list"), new RegExp(ROOT.uri));
    assert.ok(askable.asked.includes("roots/list"));
  },

  async "progress arrives in order and before the answer"({ askable }) {
    const arrived = askable.arrivals();
    await askable.call(LONG, { duration: 0.2, steps: 20 }, { onprogress: () => {} });
    assert.deepEqual(arrived, [...Array.from({ length: 20 }, (_, i) => i + 1), "answer"]);
  },

  "a cancellation reaches the server": ({ plain, recording }) => cancelled(plain, recording, 599),

  "and that of a client that may be asked": ({ askable, recording }) =>
    cancelled(askable, recording, LONG_S),

  async "a watched resource reports its updates"({ plain }) {
    await plain.watch(WATCHED_URI);
    await plain.call("toggle-subscriber-updates");
    const { params } = await plain.told("notifications/resources/updated");
    assert.equal(params.uri, WATCHED_URI);
    await plain.call("toggle-subscriber-updates");
  },

  async "log messages arrive when they are wanted"({ plain }) {
    await plain.logFrom("debug");
    await plain.call("toggle-simulated-logging");
    await plain.told("notifications/message", ({ params }) => /level/i.test(params.data));
    await plain.call("toggle-simulated-logging");
  },

  async "a new resource is announced, listed and read"({ plain }) {
    const before = (await plain.client.listResources()).resources.length;
    const data = "data:text/plain,sluice";
    await plain.call("gzip-file-as-resource", {
      ...{ name: "sluice.gz", data, outputType: "resourceLink" },
    });
    await plain.told("notifications/resources/list_changed");
    const { resources } = await plain.client.listResources();
    assert.equal(resources.length, before + 1);
    const { uri } = resources.find(({ name }: Named) => name === "sluice.gz");
    const [{ blob }] = (await plain.client.readResource({ uri })).contents;
    const bytes = Uint8Array.fromBase64(blob);
    const gunzip = new Response(bytes).body!.pipeThrough(new DecompressionStream("gzip"));
    assert.equal(await new Response(gunzip).text(), "sluice");
  },

  async "resource templates are listed and read"({ askable: { client } }) {
    assert.equal((await client.listResourceTemplates()).resourceTemplates.length, 2);
    const { contents } = await client.readResource({ uri: WATCHED_URI });
    assert.match(contents[0].text, /Resource 1: This is a plaintext resource/);
    await assert.rejects(client.readResource({ uri: "demo://none" }), { code: -32602 });
  },

  async "prompts are listed and filled"({ askable: { client } }) {
    const { prompts } = await client.listPrompts();
    assert.ok(prompts.some(({ name }: Named) => name === "args-prompt"));
    const args = { city: "Zürich", state: "ZH" };
    const { messages } = await client.getPrompt({ name: "args-prompt", arguments: args });
    assert.match(JSON.stringify(messages), /Zürich, ZH/);
  },

  async "arguments are completed, in their context"({ askable: { client } }) {
    const ref = { type: "ref/prompt", name: "completable-prompt" };
    const first = await client.complete({ ref, argument: { name: "department", value: "S" } });
    assert.deepEqual(first.completion.values, ["Sales", "Support"]);
    const context = { arguments: { department: "Sales" } };
    const second = await client.complete({ ref, argument: { name: "name", value: "" }, context });
    assert.deepEqual(second.completion.values, ["David", "Eve", "Frank"]);
  },

  async "nothing went wrong on the way"({ askable, plain }) {
    await askable.call("echo", { message: "the end" });
    assert.deepEqual(seriousOf([...askable.complaints, ...plain.complaints]), []);
  },
};

/** A tool, prompt or resource. */
interface Named {
  readonly name: string;
}

const MEBIBYTE_TEXT = "0123456789abcdef".repeat(65_536);

/** Makes the journey with two clients, which have to come to speak the era. */
export async function travelToEverything(
  way: Way,
  mode: Mode,
  era: Traveller["era"],
  t: Deno.TestContext,
): Promise<void> {
  await using recording = await recorded(everythingServer());
  await using door = await way.open(recording.command);
  await using askable: ModernClient = await connectModernClient(door, { mode });
  await using plain: ModernClient = await connectModernClient(door, { mode, isAskable: false });
  assert.equal(askable.era, era);
  assert.equal(plain.era, era);
  const log = () => door.log() + askable.log() + plain.log();
  await takeSteps(STEPS, { askable, plain, recording }, t, log);
}

/** @param duration tells the call from others */
async function cancelled(client: Traveller, recording: Recording, duration: number) {
  const controller = new AbortController();
  const started = Promise.withResolvers<void>();
  const calling = client.call(LONG, { duration, steps: duration * 10 }, {
    signal: controller.signal,
    onprogress: () => started.resolve(),
  });
  await bounded(Promise.race([started.promise, calling]), "progress of the long call");
  controller.abort("the test says so");
  await assert.rejects(calling, /the test says so/);
  const request = recording.find(({ params }) => params?.arguments?.duration === duration);
  assert.ok(request, "the call was not recorded");
  const isCancelled = () =>
    recording.find(({ server, method, params }) =>
      method === "notifications/cancelled" && server === request.server &&
      params?.requestId === request.id
    );
  const deadlineMs = performance.now() + 30_000;
  while (isCancelled() === undefined) {
    assert.ok(performance.now() < deadlineMs, "the server never got the cancellation");
    // Each echo is a sign that what was sent before has moved on.
    assert.equal(await client.call("echo", { message: "still here" }), "Echo: still here");
  }
}
