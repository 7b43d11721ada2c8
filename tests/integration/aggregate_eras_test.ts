/**
 * Servers of both eras, shared and not, behind one endpoint: clients of both eras are asked and told as
 * if each were the only one.
 */
import assert from "node:assert/strict";
import { connectModernClient } from "../contract/modern_client.ts";
import { connectSdkClient } from "../contract/sdk_client.ts";
import type { Told } from "../contract/mailbox.ts";
import { workplace } from "../fixtures/aggregate_serve.ts";
import { referenceServer } from "../fixtures/reference/process.ts";
import type { OpenDoor } from "../fixtures/ways.ts";

const WATCHED = "test://watched-resource";
const UPDATED = "notifications/resources/updated";
const SERVERS = {
  modern: referenceServer("modern"),
  shared: referenceServer("legacy"),
  own: referenceServer("legacy"),
};
const SETTINGS = { upstreams: { modern: { sharing: "shared" }, shared: { sharing: "shared" } } };

/** A client of either era, as far as this test needs it. */
interface AnyClient extends AsyncDisposable {
  call(name: string, args?: Record<string, unknown>): Promise<string>;
  watch(...uris: string[]): Promise<unknown>;
  told(method: string): Promise<Told>;
}

async function legacyClient(door: OpenDoor): Promise<AnyClient> {
  const sdk = await connectSdkClient(door);
  return {
    call: async (name, args = {}) =>
      JSON.stringify(await sdk.client.callTool({ name, arguments: args })),
    watch: (...uris) => Promise.all(uris.map((uri) => sdk.client.subscribeResource({ uri }))),
    told: (method) => sdk.told(method),
    [Symbol.asyncDispose]: () => sdk[Symbol.asyncDispose](),
  };
}

const CLIENTS = {
  "SDK client 1.32.2": legacyClient,
  "client 2.4.0, modern": (door: OpenDoor): Promise<AnyClient> =>
    connectModernClient(door, { mode: "modern" }),
};

for (const [name, connect] of Object.entries(CLIENTS)) {
  Deno.test(`servers of both eras behind one endpoint: ${name}`, async () => {
    await using place = await workplace();
    await using serve = await place.serve(SERVERS, SETTINGS);
    const door: OpenDoor = {
      door: { url: serve.url },
      log: serve.stderr,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    await using client = await connect(door);
    for (const server of Object.keys(SERVERS)) {
      const tool = (short: string) => `${server}__test_${short}`;
      assert.match(await client.call(tool("simple_text")), /simple text/);
      assert.match(await client.call(tool("sampling"), { prompt: "x" }), /LLM response: sampled/);
      assert.match(await client.call(tool("elicitation"), { message: "x" }), /action=accept/);
    }
    await client.watch(WATCHED, `shared+${WATCHED}`);
    const EXPECTED = [["modern", WATCHED], ["shared", `shared+${WATCHED}`]] as const;
    for (const [server, uri] of EXPECTED) {
      await client.call(`${server}__test_trigger_resource_update`, { uri: WATCHED });
      assert.equal((await client.told(UPDATED)).params.uri, uri);
    }
  });
}
