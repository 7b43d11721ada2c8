/**
 * Many real servers behind one endpoint, in front of clients of both eras.
 */
import assert from "node:assert/strict";
import type { Command } from "../../lib/core/connection.ts";
import { connectModernClient } from "../contract/modern_client.ts";
import { connectSdkClient } from "../contract/sdk_client.ts";
import { workplace } from "../fixtures/aggregate_serve.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import {
  claudeFlowServer,
  echoServer,
  everythingServerOnNode,
  filesystemServer,
  hangingServer,
  memoryServer,
  NPM_FOLDER,
  thinkingServer,
} from "../fixtures/servers.ts";
import type { OpenDoor } from "../fixtures/ways.ts";

type Servers = Record<string, Command>;

/** A client of either era, as far as these tests need it. */
interface AnyClient extends AsyncDisposable {
  list(): Promise<string[]>;
  call(name: string, args?: Record<string, unknown>): Promise<string>;
  /** Waits for a change of the tools. */
  changed(): Promise<unknown>;
}

/** Waits until every server is there. */
async function listOf(client: AnyClient, servers: Servers): Promise<string[]> {
  for (;;) {
    const names = await client.list();
    const there = new Set(names.map((name) => name.split("__")[0]));
    if (there.size === Object.keys(servers).length) return names;
    await client.changed();
  }
}

const CLIENTS: Record<string, (url: URL) => Promise<AnyClient>> = {
  "SDK client 1.32.2": async (url) => {
    const sdk = await connectSdkClient(doorTo(url));
    return {
      list: async () => (await sdk.client.listTools()).tools.map(({ name }) => name),
      call: async (name, args = {}) =>
        JSON.stringify(await sdk.client.callTool({ name, arguments: args })),
      changed: () => sdk.told("notifications/tools/list_changed"),
      [Symbol.asyncDispose]: () => sdk[Symbol.asyncDispose](),
    };
  },
  "client 2.4.0, modern": async (url) => {
    const modern = await connectModernClient(doorTo(url), { mode: "modern" });
    await modern.watch();
    return {
      list: async () => (await modern.client.listTools()).tools.map(({ name }) => name),
      call: (name, args) => modern.call(name, args),
      changed: () => modern.told("notifications/tools/list_changed"),
      [Symbol.asyncDispose]: () => modern[Symbol.asyncDispose](),
    };
  },
};

function doorTo(url: URL): OpenDoor {
  return { door: { url }, log: () => "", [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Ten servers in a folder, some of them the same program. */
async function tenServers(folder: string): Promise<Servers> {
  for (const name of ["a", "b"]) {
    await Deno.mkdir(`${folder}/${name}`);
    await Deno.writeTextFile(`${folder}/${name}/who.txt`, `files of ${name}`);
  }
  return {
    everything: everythingServerOnNode()!,
    everything2: everythingServerOnNode()!,
    memoryA: memoryServer(`${folder}/a.jsonl`)!,
    memoryB: memoryServer(`${folder}/b.jsonl`)!,
    filesA: filesystemServer(`${folder}/a`)!,
    filesB: filesystemServer(`${folder}/b`)!,
    think: thinkingServer()!,
    flow: claudeFlowServer()!,
    echo: echoServer("node"),
    "echo two": echoServer("node"),
  };
}

for (const [name, connect] of Object.entries(CLIENTS)) {
  Deno.test({
    name: `ten servers behind one endpoint: ${name}`,
    ignore: NPM_FOLDER === undefined,
    fn: async () => {
      await using place = await workplace();
      const servers = await tenServers(place.folder);
      let names: string[];
      {
        await using serve = await place.serve(servers);
        await using client = await connect(serve.url);
        names = await listOf(client, renamed(servers));
        assert.equal(new Set(names).size, names.length);
        assert.ok(names.every((name) => /^[A-Za-z0-9_.-]{1,64}$/.test(name)));
        await callEach(client, place.folder);
      }
      await using serve = await place.serve(servers);
      await using client = await connect(serve.url);
      assert.deepEqual(await listOf(client, renamed(servers)), names);
      await callEach(client, place.folder);
    },
  });

  Deno.test(`a server whose start hangs keeps nobody waiting: ${name}`, async () => {
    await using place = await workplace();
    const hangs = `${place.folder}/hangs`;
    const servers = { echo: echoServer(), late: hangingServer(hangs, echoServer()) };
    const all = ["echo__echo", "late__echo"];
    await Deno.writeTextFile(hangs, "");
    {
      await using serve = await place.serve(servers);
      await using client = await connect(serve.url);
      assert.deepEqual(await client.list(), all.slice(0, 1));
      await Deno.remove(hangs);
      await client.changed();
      assert.deepEqual(await client.list(), all);
    }
    await Deno.writeTextFile(hangs, "");
    await using serve = await place.serve(servers);
    await using client = await connect(serve.url);
    assert.deepEqual(await client.list(), all, "from the catalogue");
    const calling = client.call("late__echo", { message: "patience" });
    assert.match(await client.call("echo__echo", { message: "at once" }), /at once/);
    await Deno.remove(hangs);
    assert.match(await calling, /patience/);
  });
}

Deno.test("servers that come late are told of once", async () => {
  await using place = await workplace();
  const hangs = `${place.folder}/hangs`;
  const late = hangingServer(hangs, echoServer());
  await Deno.writeTextFile(hangs, "");
  await using serve = await place.serve({ late1: late, echo: echoServer(), late2: late });
  using client = new GatewayClient(serve.url.href);
  await client.initialize();
  await using stream = await client.listen();
  const list = async () => {
    const { messages } = await client.post('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
    // deno-lint-ignore no-explicit-any -- what a server lists
    return messages.at(-1).result.tools.map(({ name }: any) => name);
  };
  assert.deepEqual(await list(), ["echo__echo"]);
  await Deno.remove(hangs);
  for (let told = 1;; told++) {
    await stream.until(told);
    if ((await list()).length === 3) break;
  }
  assert.deepEqual(await list(), ["late1__echo", "echo__echo", "late2__echo"]);
  const told = stream.messages.map(({ method }) => method);
  assert.deepEqual([...new Set(told)], ["notifications/tools/list_changed"]);
  assert.ok(told.length <= 2, "each at most once, however many lists were asked for");
});

/** The names under which servers appear. */
function renamed(servers: Servers): Servers {
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [name.replace(" ", "_"), server]),
  );
}

/** One call to each server; the answer shows which it was. */
async function callEach(client: AnyClient, folder: string): Promise<void> {
  for (const name of ["everything", "everything2"]) {
    assert.match(
      await client.call(`${name}__echo`, { message: `to ${name}` }),
      RegExp(`Echo: to ${name}`),
    );
  }
  for (const name of ["A", "B"]) {
    const entities = [{ name: `entity${name}`, entityType: "test", observations: [] }];
    await client.call(`memory${name}__create_entities`, { entities });
    const path = `${folder}/${name.toLowerCase()}/who.txt`;
    const text = await client.call(`files${name}__read_text_file`, { path });
    assert.match(text, RegExp(`files of ${name.toLowerCase()}`));
  }
  assert.match(await client.call("memoryA__read_graph"), /entityA/);
  assert.doesNotMatch(await client.call("memoryB__read_graph"), /entityA/);
  const thought = { thought: "x", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 };
  assert.match(await client.call("think__sequentialthinking", thought), /totalThoughts/);
  assert.match(await client.call("flow__mcp_status"), /./);
  assert.match(await client.call("echo__echo", { message: "one" }), /one/);
  assert.match(await client.call("echo_two__echo", { message: "two" }), /two/);
}
