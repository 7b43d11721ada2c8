import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { GuardedGateway, type Headers } from "../fixtures/guarded_gateway.ts";

/** What stands under `auth.clients`, with the name of a client as its key. */
function clients(grants: Record<string, { scopes?: string[]; roles?: string[] }>) {
  return Object.fromEntries(
    Object.entries(grants).map(([name, grant]) => {
      const digest = createHash("sha256").update(name).digest("hex");
      return [name, { keys: { only: `sha256:${digest}` }, ...grant }];
    }),
  );
}

const AUTH = {
  clients: clients({
    reader: { roles: ["reader"] },
    admin: { roles: ["admin"] },
    scoped: { scopes: ["adding"] },
  }),
};

const RULES = {
  everything: { roles: ["admin"] },
  reading: { roles: ["reader"], tools: ["echo"], resources: ["demo://about"] },
  adding: { tools: ["add"], scopes: ["adding", "counting"] },
};

function names(list: { name?: string; uri?: string }[]): (string | undefined)[] {
  return list.map(({ name, uri }) => uri ?? name).toSorted();
}

async function lists(gateway: GuardedGateway, headers: Headers) {
  const list = async (method: string, key: string) =>
    names((await gateway.ask(method, {}, headers)).body.result[key]);
  return {
    tools: await list("tools/list", "tools"),
    prompts: await list("prompts/list", "prompts"),
    resources: await list("resources/list", "resources"),
  };
}

Deno.test("clients see and use what rules allow them, and nothing else", async () => {
  await using gateway = await GuardedGateway.start({ auth: AUTH, access: { rules: RULES } });
  const admin = await gateway.session({ "x-api-key": "admin" });
  const reader = await gateway.session({ "x-api-key": "reader" });
  assert.deepEqual(await lists(gateway, admin), {
    tools: ["add", "countdown", "echo"],
    prompts: ["greet"],
    resources: ["demo://about", "demo://limits"],
  });
  assert.deepEqual(await lists(gateway, reader), {
    tools: ["echo"],
    prompts: [],
    resources: ["demo://about"],
  });
  const echo = { name: "echo", arguments: { message: "hello" } };
  assert.equal(
    (await gateway.ask("tools/call", echo, reader)).body.result.content[0].text,
    "hello",
  );
  const refused: [string, unknown][] = [
    ["tools/call", { name: "countdown", arguments: { steps: 1 } }],
    ["tools/call", { name: "does_not_exist", arguments: {} }],
    ["resources/read", { uri: "demo://limits" }],
    ["resources/subscribe", { uri: "demo://limits" }],
    ["prompts/get", { name: "greet", arguments: { name: "x" } }],
    ["completion/complete", {
      ref: { type: "ref/prompt", name: "greet" },
      argument: { name: "name", value: "" },
    }],
    ["tasks/list", {}],
  ];
  for (const [method, params] of refused) {
    const { status, body } = await gateway.ask(method, params, reader);
    assert.deepEqual([status, body.error.code], [403, -31009], method);
  }
  assert.equal((await gateway.ask("resources/read", { uri: "demo://about" }, reader)).status, 200);
  assert.ok(await gateway.metric('sluice_security_events_total{type="access_denied"}') >= 7);
});

Deno.test("a refusal for want of scope names all scopes that the operation needs", async () => {
  await using gateway = await GuardedGateway.start({
    auth: { ...AUTH, publicUrl: "https://gateway.test" },
    access: { rules: RULES },
  });
  const headers = await gateway.session({ "x-api-key": "scoped" });
  const answer = await gateway.ask(
    "tools/call",
    { name: "add", arguments: { a: 1, b: 2 } },
    headers,
  );
  assert.equal(answer.status, 403);
  assert.equal(
    answer.headers.get("www-authenticate"),
    'Bearer error="insufficient_scope", error_description="more scopes are needed", scope="adding counting"',
  );
  assert.deepEqual(answer.body.error.data, { scopes: ["adding", "counting"] });
});

Deno.test("no spelling of a denied tool gets past the rules", async () => {
  await using gateway = await GuardedGateway.start({ auth: AUTH, access: { rules: RULES } });
  const reader = await gateway.session({ "x-api-key": "reader" });
  const spellings = [
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"countdown","arguments":{"steps":1}}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"na\\u006de":"countdown"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"count\\u0064own"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools\\/call","params":{"name":"countdown"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"countdown"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"countdown","name":"echo"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"Name":"countdown","name":"echo"}}',
    '{"jsonrpc":"2.0","id":1,"Method":"ping","method":"tools/call","params":{"name":"countdown"}}',
    '{"jsonrpc":"2.0","id":1,"metHod":"tools/call","method":"ping","param\u017f":{"name":"countdown"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"countdown"},"params":{"name":"echo"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"countdown "}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"COUNTDOWN"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["countdown"]}}',
  ];
  for (const text of spellings) {
    const { status, text: body } = await gateway.post(text, reader);
    assert.ok(status === 403 || status === 400 || /"code":-32602/.test(body), `${status} ${text}`);
    assert.ok(!body.includes("lift-off"), text);
  }
});

Deno.test("rules name servers and their own names, also where several stand behind one endpoint", async () => {
  const upstreams = { one: { url: "builtin:demo" }, two: { url: "builtin:demo" } };
  await using gateway = await GuardedGateway.start({
    auth: AUTH,
    upstreams,
    access: {
      rules: {
        admin: { roles: ["admin"] },
        one: { roles: ["reader"], servers: ["one"], tools: ["echo"], resources: ["demo://*"] },
        two: { roles: ["reader"], servers: ["two"], tools: ["add"] },
      },
    },
  });
  const admin = await gateway.session({ "x-api-key": "admin" });
  const reader = await gateway.session({ "x-api-key": "reader" });
  assert.equal((await lists(gateway, admin)).tools.length, 6);
  assert.deepEqual(await lists(gateway, reader), {
    tools: ["one__echo", "two__add"],
    prompts: [],
    resources: ["demo://about", "demo://limits"],
  });
  const call = (name: string, args: unknown) =>
    gateway.ask("tools/call", { name, arguments: args }, reader);
  assert.equal((await call("one__echo", { message: "x" })).body.result.content[0].text, "x");
  assert.equal((await call("two__add", { a: 1, b: 2 })).status, 200);
  for (const name of ["two__echo", "one__add", "one__countdown"]) {
    assert.equal((await call(name, { message: "x", a: 1, b: 1, steps: 1 })).status, 403, name);
  }
  const read = (uri: string) => gateway.ask("resources/read", { uri }, reader);
  assert.equal((await read("demo://about")).status, 200);
  assert.equal((await read("two+demo://about")).status, 403);
  const nobodys = (await read("demo://nobody-has-listed-it")).body;
  assert.ok(nobodys.error !== undefined && nobodys.error.code !== -31009, "unknown, not refused");
});

Deno.test("the search for tools finds what a client may use, and calls nothing else", async () => {
  const upstreams = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`s${i}`, { url: "builtin:demo" }]),
  );
  await using gateway = await GuardedGateway.start({
    auth: AUTH,
    upstreams,
    aggregate: { searchTool: true },
    access: { rules: { one: { roles: ["reader"], servers: ["s1"], tools: ["echo"] } } },
  });
  const reader = await gateway.session({ "x-api-key": "reader" });
  const call = async (name: string, args: unknown) =>
    await gateway.ask("tools/call", { name, arguments: args }, reader);
  const found = await call("sluice__search_tools", { query: "echo returns message" });
  assert.deepEqual(names(found.body.result.structuredContent.tools), ["s1__echo"]);
  const through = (name: string) =>
    call("sluice__call_tool", { name, arguments: { message: "x", steps: 1 } });
  assert.equal((await through("s1__echo")).body.result.content[0].text, "x");
  assert.equal((await through("s2__echo")).status, 403);
  assert.equal((await through("s1__countdown")).status, 403);
});

Deno.test("without rules everybody who is let in may do everything", async () => {
  await using gateway = await GuardedGateway.start({ auth: AUTH });
  const headers = await gateway.session({ "x-api-key": "reader" });
  assert.equal((await lists(gateway, headers)).tools.length, 3);
});

Deno.test("keys and rules are exchanged while the gateway runs", async () => {
  const only = (name: string) => ({ clients: clients({ [name]: { roles: ["reader"] } }) });
  const rule = (tool: string) => ({ rules: { only: { roles: ["reader"], tools: [tool] } } });
  await using gateway = await GuardedGateway.start({ auth: only("old"), access: rule("echo") });
  const headers = await gateway.session({ "x-api-key": "old" });
  assert.deepEqual((await lists(gateway, headers)).tools, ["echo"]);
  const { applied, restart } = await gateway.apply({ auth: only("new"), access: rule("add") });
  assert.ok(applied.length > 0);
  assert.deepEqual(restart, []);
  assert.equal((await gateway.ask("tools/list", {}, headers)).status, 401);
  const renewed = await gateway.session({ "x-api-key": "new" });
  assert.deepEqual((await lists(gateway, renewed)).tools, ["add"]);
  const none = await gateway.apply({ auth: only("new") });
  assert.deepEqual(none.restart, ["access.rules.only"]);
  assert.deepEqual(
    (await lists(gateway, renewed)).tools,
    ["add"],
    "rules do not end by themselves",
  );
});
