import assert from "node:assert/strict";
import net from "node:net";
import { bounded } from "../fixtures/child_wait.ts";
import { childrenOf } from "../fixtures/gateway_process.ts";
import { GuardedGateway } from "../fixtures/guarded_gateway.ts";
import { HostileServer } from "../fixtures/hostile_server.ts";
import { echoServer } from "../fixtures/servers.ts";
import { startServe } from "../fixtures/sluice.ts";

const ignore = Deno.build.os !== "linux";

const HELLO = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "t", version: "1" },
};

/** Listens where nobody should ever come. */
async function startTrap() {
  let accepted = 0;
  const server = net.createServer((socket) => {
    accepted++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`,
    accepted: () => accepted,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

Deno.test({
  name: "no request starts a program, whatever it says of commands",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const trap = `${folder}/trap`;
    const program = { command: "touch", args: [trap], env: { X: trap }, cwd: folder };
    const wish = {
      ...program,
      type: "stdio",
      transport: "stdio",
      server: program,
      config: program,
    };
    {
      await using serve = await startServe(new URL("builtin:demo"));
      const before = childrenOf(serve.pid);
      const methods = ["tools/call", "initialize", "servers/add", "mcp/test/connection", "spawn"];
      for (
        const path of ["/mcp", "/mcp/messages", "/admin", "/admin/servers", "/api/mcp/connect"]
      ) {
        for (const method of methods) {
          const params = { name: "echo", arguments: wish, ...wish, ...HELLO };
          const answer = await fetch(new URL(path, serve.url), {
            method: "POST",
            headers: {
              "content-type": "application/json",
              accept: "application/json, text/event-stream",
              "x-mcp-command": `touch ${trap}`,
            },
            body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
          });
          await answer.text();
        }
        const query = `command=touch&args=${encodeURIComponent(trap)}&transportType=stdio`;
        await (await fetch(new URL(`${path}?${query}`, serve.url), {
          headers: { accept: "application/json" },
        })).text();
      }
      assert.deepEqual(childrenOf(serve.pid), before);
    }
    await assert.rejects(Deno.stat(trap), Deno.errors.NotFound);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "arguments of a configured program reach it as they are, through no shell",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const trap = `${folder}/trap`;
    const { program, args } = echoServer();
    const odd = [`; touch ${trap}`, `$(touch ${trap})`, `\`touch ${trap}\``, `| touch ${trap}`];
    {
      const flags = ["--log-level", "debug"];
      await using serve = await startServe({ program, args: [...args, ...odd] }, { flags });
      const answer = await fetch(serve.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        body: JSON.stringify({
          ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
          params: HELLO,
        }),
      });
      assert.match(await answer.text(), /"serverInfo"/);
      const [child] = childrenOf(serve.pid);
      const line = await Deno.readTextFile(`/proc/${child}/cmdline`);
      assert.deepEqual(line.split("\0").slice(-1 - odd.length, -1), odd);
      const told = serve.stderr().split("\n").filter((line) => line.includes("program started"));
      assert.equal(told.length, 1, "every start is in the log");
      assert.ok(told[0].includes(`pid ${child}`) && !told[0].includes("touch"), told[0]);
    }
    await assert.rejects(Deno.stat(trap), Deno.errors.NotFound);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("what a client says of tools and resources changes no address and no header of a server", async () => {
  await using server = await HostileServer.start({ tools: [{ name: "x", inputSchema: {} }] });
  await using gateway = await GuardedGateway.start({ upstreams: { server: { url: server.url } } });
  const evil = [
    "../../admin",
    "?a=b",
    "#x",
    "a\r\nX-Evil: y",
    "%0d%0aX-Evil:%20y",
    "http://evil.test/",
  ];
  const forged = { "x-mcp-server": "evil", mcp_session_id: "evil", "mcp-init-host": "evil.test" };
  const session = await gateway.session(forged);
  for (const text of evil) {
    await gateway.ask("tools/call", { name: text, arguments: { path: text, host: text } }, session);
    await gateway.ask("resources/read", { uri: text }, session);
  }
  assert.ok(server.seen.length > 2 * evil.length);
  for (const { url, rawHeaders } of server.seen) {
    assert.equal(url, "/mcp");
    const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    for (const name of ["x-evil", ...Object.keys(forged)]) assert.ok(!names.includes(name), name);
    assert.ok(!rawHeaders.some((text) => /evil/i.test(text)), `${rawHeaders}`);
  }
});

/** So many levels of `anyOf`. */
function nested(levels: number): unknown {
  return levels === 0 ? { type: "string" } : { anyOf: [nested(levels - 1), { type: "null" }] };
}

Deno.test("schemas and templates that are traps cost nothing, reach nothing, and break nothing", async () => {
  await using trap = await startTrap();
  const wide = { anyOf: Array.from({ length: 10_000 }, () => ({ pattern: "^(a+)+$" })) };
  const schemas: Record<string, unknown> = {
    remote: { type: "object", properties: { a: { $ref: `${trap.url}schema.json` } } },
    remoteId: { $id: trap.url, $ref: "other.json" },
    remoteSchema: { $schema: `${trap.url}meta.json`, type: "object" },
    dynamic: { $dynamicRef: `${trap.url}#x` },
    wide,
    deep: nested(50),
    loop: { $ref: "#" },
    regex: { properties: { a: { type: "string", pattern: "^(a+)+$" } } },
  };
  const tools = Object.entries(schemas).map(([name, inputSchema]) => ({ name, inputSchema }));
  const uriTemplate = `trap://x/{id*}{/id*}{?${Array.from({ length: 50 }, (_, i) => `v${i}`)}}`;
  await using server = await HostileServer.start({
    tools,
    resourceTemplates: [{ name: "t", uriTemplate }],
  });
  await using gateway = await GuardedGateway.start({
    upstreams: { server: { url: server.url }, demo: { url: "builtin:demo" } },
    validation: { arguments: "deny" },
  });
  const session = await gateway.session();
  const listed = await gateway.ask("tools/list", {}, session);
  assert.equal(listed.body.result.tools.length, tools.length + 3);
  const play = async () => {
    for (const name of Object.keys(schemas)) {
      const args = { a: `${"a".repeat(40)}!` };
      const answer = await gateway.ask(
        "tools/call",
        { name: `server__${name}`, arguments: args },
        session,
      );
      assert.equal(answer.status, 200, name);
    }
    const uri = `trap://x/${",".repeat(50)}${"/a".repeat(1000)}`;
    const read = await gateway.ask("resources/read", { uri }, session);
    assert.equal(read.body.result.contents[0].text, "read");
    const other = { name: "demo__echo", arguments: { message: "on" } };
    const answer = await gateway.ask("tools/call", other, session);
    assert.equal(answer.body.result.content[0].text, "on");
  };
  await bounded(play(), "answers in spite of every trap");
  assert.equal(trap.accepted(), 0);
});

Deno.test("a list that is nested too deeply costs its server its tools, and nobody else", async () => {
  const tools = [{ name: "x", inputSchema: nested(500) }];
  await using server = await HostileServer.start({ tools });
  await using gateway = await GuardedGateway.start({
    upstreams: { server: { url: server.url }, demo: { url: "builtin:demo" } },
  });
  const session = await gateway.session();
  const { body } = await gateway.ask("tools/list", {}, session);
  const names = body.result.tools.map(({ name }: { name: string }) => name);
  assert.deepEqual(names.toSorted(), ["demo__add", "demo__countdown", "demo__echo"]);
});
