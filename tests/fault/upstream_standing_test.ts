import assert from "node:assert/strict";
import { modernMeta } from "../fixtures/reporting/callers.ts";
import { ReportChannel, startReportingHttp } from "../fixtures/reporting/channel.ts";
import { LinePeer } from "../fixtures/reporting/line_peer.ts";
import { type SluiceServe, startServe } from "../fixtures/sluice.ts";

const FLAGS = ["--listen", "tcp://127.0.0.1:0", "--log-level", "error"];
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";
const UPDATED = "notifications/resources/updated";

function lineUrlOf(gateway: SluiceServe): URL {
  return new URL(/tcp:\/\/\S+/.exec(gateway.stdout())![0]);
}

/** Kills the server that has started last; returns from where on the reports are of the next. */
async function kill(channel: ReportChannel): Promise<number> {
  const { pid } = channel.reports.findLast(({ event }) => event === "started")!;
  await channel.complete();
  const from = channel.reports.length;
  Deno.kill(pid, "SIGKILL");
  return from;
}

/** What a server was told since, without the handshake: method and what it is about. */
function standing(channel: ReportChannel, from: number): string[] {
  const messages = channel.reports.slice(from).flatMap(({ message }) => message ?? []);
  return messages.map(({ method, params }) => `${method} ${params?.uri ?? params?.level ?? ""}`)
    .filter((text) => /^(logging|resources)/.test(text)).sort();
}

async function update(channel: ReportChannel, uri: string): Promise<void> {
  await channel.order({ send: { method: UPDATED, params: { uri } } });
}

function updatesOf(peer: LinePeer): string[] {
  return peer.all(UPDATED).map(({ params }) => params.uri);
}

/** Subscribes, is served by another server, and needs to do nothing to hear of updates again. */
async function outlives(
  gateway: SluiceServe,
  channel: ReportChannel,
  lose: () => Promise<number>,
): Promise<void> {
  using peer = await LinePeer.connect(lineUrlOf(gateway));
  await peer.initialize();
  await peer.request("logging/setLevel", { level: "debug" });
  await peer.request("logging/setLevel", { level: "warning" });
  for (const uri of ["test://a", "test://b", "test://c"]) {
    assert.equal((await peer.request("resources/subscribe", { uri })).error, undefined);
  }
  await peer.request("resources/unsubscribe", { uri: "test://b" });
  for (let round = 0; round < 2; round++) {
    const from = await lose();
    for (const uri of ["test://a", "test://c"]) {
      await channel.until("resources/subscribe", ({ params }) => params.uri === uri, from);
    }
    await peer.request("tools/list"); // behind everything that stands again
    assert.deepEqual(standing(channel, from), [
      "logging/setLevel warning",
      "resources/subscribe test://a",
      "resources/subscribe test://c",
    ]);
    const got = peer.messages.length;
    await update(channel, "test://a");
    assert.equal((await peer.told(UPDATED, got)).params.uri, "test://a");
  }
}

for (const sharing of [[], ["--shared"]]) {
  Deno.test(`subscriptions and the log level outlive a killed stdio server ${sharing}`, async () => {
    await using channel = new ReportChannel();
    const command = channel.command({ transport: "stdio", era: "legacy" });
    await using gateway = await startServe(command, { flags: [...FLAGS, ...sharing] });
    await outlives(gateway, channel, () => kill(channel));
    assert.equal((await gateway.stop()).code, 0);
  });

  Deno.test(`subscriptions and the log level outlive the sessions of an HTTP server ${sharing}`, async () => {
    await using channel = new ReportChannel();
    await using server = await startReportingHttp(channel, "legacy");
    await using gateway = await startServe(server.url, { flags: [...FLAGS, ...sharing] });
    let listensFrom = 0;
    await outlives(gateway, channel, async () => {
      await channel.next(({ event }) => event === "listens", "the general stream", listensFrom);
      const from = listensFrom = channel.reports.length;
      await channel.order({ forget: true, hangUp: true });
      return from;
    });
    assert.equal((await gateway.stop()).code, 0);
  });
}

Deno.test("two clients of a shared server hear of their own resources when it was killed", async () => {
  await using channel = new ReportChannel();
  const command = channel.command({ transport: "stdio", era: "legacy" });
  await using gateway = await startServe(command, { flags: [...FLAGS, "--shared"] });
  using a = await LinePeer.connect(lineUrlOf(gateway));
  using b = await LinePeer.connect(lineUrlOf(gateway));
  using listener = await LinePeer.connect(lineUrlOf(gateway));
  await a.initialize();
  await b.initialize();
  await a.request("resources/subscribe", { uri: "test://both" });
  await b.request("resources/subscribe", { uri: "test://both" });
  await b.request("resources/subscribe", { uri: "test://b" });
  const notifications = { resourceSubscriptions: ["test://listened"], toolsListChanged: true };
  const params = { notifications, _meta: modernMeta() };
  await listener.send({ id: "listen", method: "subscriptions/listen", params });
  await listener.told(ACKNOWLEDGED);
  const from = await kill(channel);
  for (const uri of ["test://both", "test://b", "test://listened"]) {
    await channel.until("resources/subscribe", (message) => message.params.uri === uri, from);
  }
  await b.request("tools/list");
  assert.equal(standing(channel, from).length, 3);
  for (const uri of ["test://listened", "test://b", "test://both"]) await update(channel, uri);
  await channel.order({ send: { method: "notifications/tools/list_changed" } });
  for (const peer of [a, b, listener]) await peer.told("notifications/tools/list_changed");
  assert.deepEqual(updatesOf(a), ["test://both"]);
  assert.deepEqual(updatesOf(b), ["test://b", "test://both"]);
  assert.deepEqual(updatesOf(listener), ["test://listened"]);
  assert.equal((await gateway.stop()).code, 0);
});

/** Over stdio, and over HTTP, where it is started again on the same port. */
const MODERN_SERVERS = {
  async stdio(act: Scene) {
    await using channel = new ReportChannel();
    const command = channel.command({ transport: "stdio", era: "modern" });
    await using gateway = await startServe(command, { flags: FLAGS });
    await act(gateway, channel, () => kill(channel));
  },
  async http(act: Scene) {
    await using channel = new ReportChannel();
    let server = await startReportingHttp(channel, "modern");
    try {
      await using gateway = await startServe(server.url, { flags: FLAGS });
      await act(gateway, channel, async () => {
        const from = channel.reports.length;
        await server.kill();
        server = await startReportingHttp(channel, "modern", server.port);
        return from;
      });
    } finally {
      await server.kill();
    }
  },
};

/** What a test does with a gateway whose server can be lost and found again. */
type Scene = (
  gateway: SluiceServe,
  channel: ReportChannel,
  lose: () => Promise<number>,
) => Promise<void>;

for (const transport of ["stdio", "http"] as const) {
  Deno.test(`a modern client learns that its listen stream is lost with a ${transport} server, and listens again`, async () => {
    await MODERN_SERVERS[transport](async (gateway, channel, lose) => {
      using peer = await LinePeer.connect(lineUrlOf(gateway));
      const listen = async (id: string, from: number) => {
        const notifications = { resourceSubscriptions: ["test://a"] };
        const params = { notifications, _meta: modernMeta() };
        await peer.send({ id, method: "subscriptions/listen", params });
        await peer.told(ACKNOWLEDGED, from);
      };
      await listen("first", 0);
      await lose();
      const ended = await peer.next(({ id }) => id === "first", "the end of the stream");
      assert.deepEqual([ended.error?.code, ended.error?.data?.outcome], [-31001, "unknown"]);
      await listen("second", peer.messages.length);
      await update(channel, "test://a");
      const { _meta } = (await peer.told(UPDATED)).params;
      assert.deepEqual(Object.values(_meta), ["second"]);
      assert.equal((await gateway.stop()).code, 0);
    });
  });

  Deno.test(`the gateway listens again for a legacy client of a modern ${transport} server`, async () => {
    await MODERN_SERVERS[transport](async (gateway, channel, lose) => {
      using peer = await LinePeer.connect(lineUrlOf(gateway));
      await peer.initialize();
      await peer.request("resources/subscribe", { uri: "test://a" });
      const from = await lose();
      const { message } = await channel.until(
        "subscriptions/listen",
        ({ params }) => params.notifications.resourceSubscriptions?.[0] === "test://a",
        from,
      );
      assert.equal(message.params.notifications.toolsListChanged, true);
      const got = peer.messages.length;
      await update(channel, "test://a");
      assert.equal((await peer.told(UPDATED, got)).params.uri, "test://a");
      assert.equal((await gateway.stop()).code, 0);
    });
  });
}
