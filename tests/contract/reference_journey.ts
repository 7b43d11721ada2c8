/**
 * What a client of either SDK generation can do with the reference server, whichever eras that speaks, on a
 * given way through Sluice.
 *
 * @module
 */
import assert from "node:assert/strict";
import { referenceServer } from "../fixtures/reference/process.ts";
import type { OpenDoor, Way } from "../fixtures/ways.ts";
import { type Steps, takeSteps } from "./journey.ts";
import { FORM, type Json, ROOT, seriousOf, type Traveller } from "./traveller.ts";

const TOOLS = 29;
const WATCHED_URI = "test://watched-resource";
const ROUND = "test_input_required_result_";

/** What a step has to work with. */
interface Scene {
  /** A client that servers may ask. */
  readonly askable: Traveller;
  /** One that they may not: without sessions, what it calls may change what it sees later. */
  readonly plain: Traveller;
}

const STEPS: Steps<Scene> = {
  async "the server's own identity arrives"({ askable: { client } }) {
    await client.listPrompts();
    assert.equal(client.getServerVersion()?.name, "reference-server");
    assert.ok(client.getServerCapabilities()?.resources?.subscribe);
  },

  async "tools are listed and called"({ askable: { client, call } }) {
    assert.equal((await client.listTools()).tools.length, TOOLS);
    assert.equal(
      await call("test_simple_text"),
      "This is a simple text response for testing.",
    );
    assert.equal(await call("test_x_mcp_header", { region: "Zürich" }), "region=Zürich");
    await assert.rejects(call("test_error_handling"), /intentionally returns an error/);
    await assert.rejects(call("no-such-tool"), /no-such-tool/);
  },

  async "1 MiB goes and comes"({ askable: { call } }) {
    const name = "0123456789abcdef".repeat(65_536);
    const text = await call("json_schema_2020_12_tool", { name, email: "a@b" });
    assert.ok(text.endsWith(JSON.stringify({ name, email: "a@b" })), text.slice(0, 200));
  },

  async "50 calls at once get their own answers"({ askable: { call } }) {
    const calls = Array.from(
      { length: 50 },
      (_, i) => call("test_x_mcp_header", { region: `${i}` }),
    );
    assert.deepEqual(await Promise.all(calls), calls.map((_, i) => `region=${i}`));
  },

  async "progress arrives in order and before the answer"({ askable }) {
    const arrived = askable.arrivals();
    await askable.call("test_tool_with_progress", {}, { onprogress: () => {} });
    assert.deepEqual(arrived, [0, 50, 100, "answer"]);
  },

  async "sampling, elicitation and roots reach the client"({ askable: { call, asked } }) {
    assert.equal(await call("test_sampling", { prompt: "Why?" }), `LLM response: ${SAMPLED}Why?"}`);
    const elicited = await call("test_elicitation", { message: "Really?" });
    assert.equal(elicited, `User response: action=accept, content=${JSON.stringify(FORM)}`);
    assert.match(await call(`${ROUND}list_roots`), new RegExp(`^1 roots: .*${ROOT.uri}`));
    assert.deepEqual(asked, ["sampling/createMessage", "elicitation/create", "roots/list"]);
  },

  async "calls of several rounds and questions complete"({ askable: { call } }) {
    const name = FORM.name;
    assert.equal(await call(`${ROUND}elicitation`), `Hello, ${name}!`);
    assert.match(await call(`${ROUND}request_state`), /state-ok/);
    const several = await call(`${ROUND}multiple_inputs`);
    assert.ok(several.endsWith(`Generate a greeting"} ${name}, 1 roots`), several);
    const rounds = await call(`${ROUND}multi_round`);
    assert.equal(rounds, `Multi-round complete: ${name} likes ${FORM.color}`);
    assert.match(await call(`${ROUND}capabilities`), /All questions are answered/);
  },

  async "changes are reported to who watches"({ plain: { call, told, watch } }) {
    await watch(WATCHED_URI);
    await call("test_trigger_tool_change");
    await told("notifications/tools/list_changed");
    await call("test_trigger_prompt_change");
    await told("notifications/prompts/list_changed");
    await call("test_trigger_resource_update");
    const { params } = await told("notifications/resources/updated");
    assert.equal(params.uri, WATCHED_URI);
  },

  async "log messages arrive when they are wanted"({ plain: { call, told, logFrom } }) {
    await logFrom("info");
    await call("test_tool_with_logging");
    for (const step of ["execution started", "processing data", "execution completed"]) {
      const { params } = await told("notifications/message");
      assert.equal(params.data, `Tool ${step}`);
    }
  },

  async "resources are listed and read"({ askable: { client } }) {
    assert.equal((await client.listResources()).resources.length, 3);
    assert.equal((await client.listResourceTemplates()).resourceTemplates.length, 1);
    const { contents: [text] } = await client.readResource({ uri: "test://static-text" });
    assert.equal(text.text, "This is the content of the static text resource.");
    const { contents: [data] } = await client.readResource({ uri: "test://template/7/data" });
    assert.equal(JSON.parse(data.text).id, "7");
    await assert.rejects(
      client.readResource({ uri: "test://none" }),
      ({ code }) => code === -32602 || code === -32002,
    );
  },

  async "prompts are listed and filled, with questions too"({ askable: { client } }) {
    assert.equal((await client.listPrompts()).prompts.length, 5);
    const args = { arg1: "a", arg2: "b" };
    assert.match(
      promptText(await client.getPrompt({ name: "test_prompt_with_arguments", arguments: args })),
      /arg1='a', arg2='b'/,
    );
    const asking = await client.getPrompt({ name: "test_input_required_result_prompt" });
    assert.match(promptText(asking), new RegExp(FORM.context));
  },

  async "arguments are completed"({ askable: { client } }) {
    const ref = { type: "ref/prompt", name: "test_prompt_with_arguments" };
    const { completion } = await client.complete({ ref, argument: { name: "arg1", value: "par" } });
    assert.deepEqual(completion.values, ["paris", "park", "party"]);
  },

  async "nothing went wrong on the way"({ askable, plain }) {
    await askable.call("test_simple_text");
    assert.deepEqual(seriousOf([...askable.complaints, ...plain.complaints]), []);
  },
};

const SAMPLED = 'sampled {"type":"text","text":"';

/**
 * Makes the journey.
 *
 * @param era the one that the server speaks; both where it is left out
 */
export async function travelToReference(
  way: Way,
  era: string | undefined,
  connect: (door: OpenDoor, isAskable: boolean) => Promise<Traveller>,
  expected: Traveller["era"],
  t: Deno.TestContext,
): Promise<void> {
  await using door = await way.open(referenceServer(era));
  await using askable = await connect(door, true);
  await using plain = await connect(door, false);
  assert.equal(askable.era, expected);
  assert.equal(plain.era, expected);
  await takeSteps(STEPS, { askable, plain }, t, door.log);
}

function promptText({ messages }: Json): string {
  return messages.map(({ content }: Json) => content.text).join("\n");
}
