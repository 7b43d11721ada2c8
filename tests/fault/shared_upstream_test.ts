import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { childrenOf } from "../fixtures/gateway_process.ts";
import { ReportChannel, startReportingHttp } from "../fixtures/reporting/channel.ts";
import { LinePeer } from "../fixtures/reporting/line_peer.ts";
import { everythingServer } from "../fixtures/servers.ts";
import { type SluiceServe, startServe } from "../fixtures/sluice.ts";

const CLIENTS = 20;
const FLAGS = ["--listen", "tcp://127.0.0.1:0", "--log-level", "error"];
const SHARED = [...FLAGS, "--shared"];

function lineUrlOf(gateway: SluiceServe): URL {
  return new URL(/tcp:\/\/\S+/.exec(gateway.stdout())![0]);
}

// deno-lint-ignore no-explicit-any -- whatever a server asks
function completion({ method, params }: any): object | undefined {
  if (method !== "sampling/createMessage") return undefined;
  const text = `completed ${params.messages[0].content.text}`;
  return { role: "assistant", model: "test", content: { type: "text", text } };
}

async function connectPeers(gateway: SluiceServe, count: number): Promise<LinePeer[]> {
  const peers = await Promise.all(
    Array.from({ length: count }, () => LinePeer.connect(lineUrlOf(gateway), completion)),
  );
  await Promise.all(peers.map((peer) => peer.initialize({ sampling: {} })));
  return peers;
}

/** Connects clients to a shared server over stdio or HTTP, and ends everything. */
async function withPeers(
  transport: "stdio" | "http",
  count: number,
  act: (peers: LinePeer[], channel: ReportChannel, gateway: SluiceServe) => Promise<void>,
): Promise<void> {
  await using channel = new ReportChannel();
  await using server = transport === "http"
    ? await startReportingHttp(channel, "legacy")
    : undefined;
  const upstream = server?.url ?? channel.command({ transport: "stdio", era: "legacy" });
  await using gateway = await startServe(upstream, { flags: SHARED });
  const peers = await connectPeers(gateway, count);
  if (server !== undefined) await channel.next(({ event }) => event === "listens", "the stream");
  try {
    await act(peers, channel, gateway);
  } finally {
    for (const peer of peers) peer[Symbol.dispose]();
  }
  assert.equal((await gateway.stop()).code, 0);
}

const call = (peer: LinePeer, name: string, args: object) =>
  peer.request("tools/call", { name, arguments: args });

/** Behind everything that was sent before. */
async function settle(peers: readonly LinePeer[]): Promise<void> {
  await bounded(Promise.all(peers.map((peer) => peer.request("tools/list"))), "lists");
}

Deno.test("20 clients of a shared server are served by one process tree, else by 20", async () => {
  for (const [flags, trees] of [[SHARED, 1], [FLAGS, CLIENTS]] as const) {
    await using channel = new ReportChannel();
    const command = channel.command({ transport: "stdio", era: "legacy" });
    await using gateway = await startServe(command, { flags });
    const peers = await connectPeers(gateway, CLIENTS);
    await settle(peers);
    const nonces = peers.map(() => crypto.randomUUID());
    const calls = peers.map((peer, i) => call(peer, "echo", { nonce: nonces[i] }));
    for (const [i, answer] of (await bounded(Promise.all(calls), "answers")).entries()) {
      assert.equal(JSON.parse(answer.result.content[0].text).nonce, nonces[i]);
    }
    for (const nonce of nonces) await channel.executed(nonce);
    const pids = new Set(channel.reports.map(({ pid }) => pid));
    assert.equal(pids.size, trees);
    assert.equal(childrenOf(gateway.pid).filter((pid) => pids.has(pid)).length, trees);
    for (const peer of peers) peer[Symbol.dispose]();
    assert.equal((await gateway.stop()).code, 0);
  }
});

for (const transport of ["stdio", "http"] as const) {
  Deno.test(`a shared ${transport} server tells all of lists, and of resources those who subscribed`, async () => {
    await withPeers(transport, CLIENTS, async (peers, channel) => {
      const subscribers = peers.slice(0, 5);
      for (const [i, peer] of subscribers.entries()) {
        await peer.request("resources/subscribe", { uri: "test://all" });
        await peer.request("resources/subscribe", { uri: `test://${i}` });
      }
      assert.equal(channel.received("resources/subscribe").length, 6);
      const uris = ["test://all", "test://3", "test://nobody"];
      for (const uri of uris) {
        await channel.order({
          send: { method: "notifications/resources/updated", params: { uri } },
        });
      }
      for (const list of ["tools", "prompts", "resources"]) {
        await channel.order({ send: { method: `notifications/${list}/list_changed` } });
      }
      for (const peer of peers) await peer.told("notifications/resources/list_changed");
      for (const [i, peer] of peers.entries()) {
        for (const list of ["tools", "prompts", "resources"]) {
          assert.equal(peer.all(`notifications/${list}/list_changed`).length, 1);
        }
        const updates = peer.all("notifications/resources/updated").map(({ params }) => params.uri);
        const wanted = i === 3 ? ["test://all", "test://3"] : i < 5 ? ["test://all"] : [];
        assert.deepEqual(updates, wanted);
      }
    });
  });

  Deno.test(`log messages of a shared ${transport} server reach clients by their levels`, async () => {
    await withPeers(transport, 3, async (peers, channel) => {
      const [debug, warning, error] = peers;
      await error.request("logging/setLevel", { level: "error" });
      await debug.request("logging/setLevel", { level: "debug" });
      await warning.request("logging/setLevel", { level: "warning" });
      assert.equal(channel.received("logging/setLevel").at(-1).params.level, "debug");
      for (const level of ["debug", "warning", "error"]) {
        const params = { level, data: level };
        await channel.order({ send: { method: "notifications/message", params } });
      }
      const levels = (peer: LinePeer) =>
        peer.all("notifications/message").map(({ params }) => params.level);
      for (const peer of peers) {
        await peer.next(({ params }) => params?.level === "error", "the last message");
      }
      assert.deepEqual(peers.map(levels), [["debug", "warning", "error"], ["warning", "error"], [
        "error",
      ]]);
      for (const peer of peers) {
        await call(peer, "log", { level: "info", nonce: "quiet" });
        await call(peer, "log", { level: "critical", nonce: "loud" });
      }
      assert.deepEqual(levels(debug).slice(3), ["info", "critical"]);
      assert.deepEqual(levels(warning).slice(2), ["critical"]);
      assert.deepEqual(levels(error).slice(1), ["critical"]);
    });
  });

  Deno.test(`a question of a shared ${transport} server reaches the one client that calls`, async () => {
    await withPeers(transport, CLIENTS, async (peers) => {
      for (const [i, peer] of peers.entries()) {
        const answer = await call(peer, "ask", { nonce: `${i}` });
        const got = JSON.parse(answer.result.content[0].text);
        assert.equal(got.result.content.text, `completed ${i}`);
      }
      for (const peer of peers) assert.equal(peer.all("sampling/createMessage").length, 1);
    });
  });
}

Deno.test("a question of a shared stdio server is refused while several clients call", async () => {
  await withPeers("stdio", 3, async (peers, channel) => {
    const [a, b, c] = peers;
    const hanging = call(a, "hang", { nonce: "hangs" });
    await channel.executed("hangs");
    const asking = await call(b, "ask", { nonce: "whose" });
    assert.equal(JSON.parse(asking.result.content[0].text).error.code, -32601);
    await channel.order({ release: "hangs" });
    await hanging;
    await channel.order({ send: { id: "idle", method: "roots/list" } });
    const refused = await channel.next(
      ({ message }) => message?.id === "idle" && message.method === undefined,
      "the answer to a question that no call has caused",
    );
    assert.equal(refused.message.error.code, -32601);
    await settle(peers);
    for (const peer of [a, b, c]) assert.equal(peer.all("sampling/createMessage").length, 0);
  });
});

Deno.test("questions of a shared HTTP server reach exactly the clients whose calls caused them, 20 at once", async () => {
  await withPeers("http", CLIENTS, async (peers) => {
    for (let round = 0; round < 5; round++) {
      const asking = peers.map((peer, i) => call(peer, "ask", { nonce: `${round}-${i}` }));
      for (const [i, answer] of (await bounded(Promise.all(asking), "answers")).entries()) {
        const got = JSON.parse(answer.result.content[0].text);
        assert.equal(got.result.content.text, `completed ${round}-${i}`);
      }
    }
    for (const [i, peer] of peers.entries()) {
      const asked = peer.all("sampling/createMessage").map(({ params }) =>
        params.messages[0].content.text
      );
      assert.deepEqual(asked, Array.from({ length: 5 }, (_, round) => `${round}-${i}`));
    }
  });
});

Deno.test("server-everything offers a client behind a shared connection every tool", async () => {
  await using gateway = await startServe(everythingServer(), { flags: SHARED });
  using peer = await LinePeer.connect(lineUrlOf(gateway), completion);
  await peer.initialize();
  const listed = (await peer.request("tools/list")).result.tools.map(
    ({ name }: { name: string }) => name,
  );
  for (
    const needing of ["get-roots-list", "trigger-elicitation-request", "trigger-sampling-request"]
  ) {
    assert.ok(listed.includes(needing), `${needing} is not among ${listed}`);
  }
  using able = await LinePeer.connect(lineUrlOf(gateway), completion);
  await able.initialize({ sampling: {} });
  const args = { prompt: "shared", maxTokens: 5 };
  const sampled = await able.request("tools/call", {
    name: "trigger-sampling-request",
    arguments: args,
  });
  assert.match(JSON.stringify(sampled), /completed .*shared/);
  assert.equal(peer.all("sampling/createMessage").length, 0);
});
