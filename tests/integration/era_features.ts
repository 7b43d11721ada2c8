/**
 * What is tried between one client and one server: each part of the protocol, in the way of the client's
 * version.
 *
 * @module
 */
import assert from "node:assert/strict";
import { ELICITATION_SINCE, type EraClient, type EraVersion } from "../fixtures/era_client.ts";
import type { Json } from "../fixtures/era_wire.ts";
import type { EraReports } from "../fixtures/era_reports.ts";

/** The columns of the table. */
export const FEATURES = [
  "tools",
  "resources",
  "prompts",
  "progress",
  "cancel",
  "list_changed",
  "sampling",
  "elicitation",
  "subscriptions",
] as const;
/** One of them. */
export type Feature = typeof FEATURES[number];

/** What a try acts on. */
export interface FeatureScene {
  readonly client: EraClient;
  /** Part of everything that this client sends and nobody else does. */
  readonly nonce: string;
  readonly reports: EraReports;
}

const WATCHED_URI = "test://watched-resource";
const TOOLS_CHANGED = "notifications/tools/list_changed";
const PROMPTS_CHANGED = "notifications/prompts/list_changed";
const UPDATED = "notifications/resources/updated";

/**
 * A change is announced on the connection that the call takes. Over HTTP the call of a client that can be asked
 * something has a connection to a server with a handshake for itself, so here the client says it cannot.
 */
const CANNOT_BE_ASKED = { capabilities: {} };

/** Whether both versions have a feature. */
export function isDefined(feature: Feature, client: EraVersion, upstream: EraVersion): boolean {
  return feature !== "elicitation" ||
    (client >= ELICITATION_SINCE && upstream >= ELICITATION_SINCE);
}

/** Tries each; rejects with the reason when one does not work. */
export const TRIES: Readonly<Record<Feature, (scene: FeatureScene) => Promise<void>>> = {
  async tools({ client, nonce }) {
    const { tools } = await client.request("tools/list");
    const names: string[] = tools.map(({ name }: Json) => name);
    assert.ok(names.includes("era_wait") && names.length > 20, `tools: ${names}`);
    await Promise.all(["a", "b", "c"].map(async (part) => {
      const args = { name: `${nonce}${part}`, email: "parallel calls" };
      const said = await client.call("json_schema_2020_12_tool", args);
      assert.equal(said, `JSON Schema 2020-12 tool called with: ${JSON.stringify(args)}`);
    }));
  },

  async resources({ client, nonce }) {
    const { resources } = await client.request("resources/list");
    assert.ok(resources.some(({ uri }: Json) => uri === WATCHED_URI), "not listed");
    const { resourceTemplates } = await client.request("resources/templates/list");
    assert.equal(resourceTemplates[0].uriTemplate, "test://template/{id}/data");
    const uri = `test://template/${nonce}/data`;
    const { contents } = await client.request("resources/read", { uri });
    assert.equal(contents[0].uri, uri);
    assert.equal(JSON.parse(contents[0].text).id, nonce);
  },

  async prompts({ client, nonce }) {
    const name = "test_prompt_with_arguments";
    const { prompts } = await client.request("prompts/list");
    assert.ok(prompts.some((prompt: Json) => prompt.name === name), "not listed");
    const args = { arg1: nonce, arg2: "second" };
    const { messages } = await client.request("prompts/get", { name, arguments: args });
    assert.equal(messages[0].content.text, `Prompt with arguments: arg1='${nonce}', arg2='second'`);
  },

  async progress({ client, nonce }) {
    await Promise.all(["a", "b"].map(async (part) => {
      const progressToken = `${nonce}${part}`;
      await client.call("test_tool_with_progress", {}, { progressToken });
      const told = client.told.filter(({ method, params }) =>
        method === "notifications/progress" && params.progressToken === progressToken
      );
      assert.deepEqual(told.map(({ params }) => params.progress), [0, 50, 100]);
    }));
    const count = countOf(client, "notifications/progress");
    assert.equal(count, 6, "progress under another token");
  },

  async cancel({ client, nonce, reports }) {
    const waiting = await startWaiting({ client, nonce, reports });
    await waiting.cancel();
    await client.request("tools/list"); // the connection lives
  },

  async list_changed({ client }) {
    const filter = { toolsListChanged: true, promptsListChanged: true };
    const listen = client.isModern ? await client.listen(filter, CANNOT_BE_ASKED) : undefined;
    await client.call("test_trigger_tool_change", {}, CANNOT_BE_ASKED);
    await client.call("test_trigger_prompt_change", {}, CANNOT_BE_ASKED);
    await client.until(TOOLS_CHANGED, listen);
    await client.until(PROMPTS_CHANGED, listen);
    if (listen !== undefined) await client.cancel(listen);
    assert.deepEqual([countOf(client, TOOLS_CHANGED), countOf(client, PROMPTS_CHANGED)], [1, 1]);
  },

  async sampling({ client, nonce, reports }) {
    const waiting = await startWaiting({ client, nonce: `${nonce}-meanwhile`, reports });
    const said = await client.call("test_sampling", { prompt: `Why ${nonce}?` });
    assert.equal(said, `LLM response: sampled Why ${nonce}? by ${nonce}`);
    await waiting.cancel();
  },

  async elicitation({ client, nonce }) {
    const said = await client.call("test_elicitation", { message: `Who ${nonce}?` });
    const response = `told Who ${nonce}? by ${nonce}`;
    assert.equal(said, `User response: action=accept, content=${JSON.stringify({ response })}`);
  },

  async subscriptions({ client }) {
    const uri = WATCHED_URI;
    let listen: number | undefined;
    if (client.isModern) {
      listen = await client.listen({ resourceSubscriptions: [uri] }, CANNOT_BE_ASKED);
    } else await client.request("resources/subscribe", { uri });
    await client.call("test_trigger_resource_update", {}, CANNOT_BE_ASKED);
    const { params } = await client.until(UPDATED, listen);
    assert.equal(params.uri, uri);
    if (listen === undefined) await client.request("resources/unsubscribe", { uri });
    else await client.cancel(listen);
    await client.call("test_trigger_resource_update", {}, CANNOT_BE_ASKED);
    await client.request("resources/list");
    assert.equal(countOf(client, UPDATED), 1, "updates after the end of the subscription");
  },
};

/** Calls the tool that works until it is cancelled. */
async function startWaiting({ client, nonce, reports }: FeatureScene) {
  const params = { name: "era_wait", arguments: { report: reports.urlFor(nonce) } };
  const { id } = await client.start("tools/call", params);
  await reports.until(nonce, "started");
  return {
    async cancel() {
      await client.cancel(id);
      await reports.until(nonce, "cancelled");
    },
  };
}

function countOf(client: EraClient, wanted: string): number {
  return client.told.filter(({ method }) => method === wanted).length;
}
