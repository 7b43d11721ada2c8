import assert from "node:assert/strict";
import type { Command } from "../../lib/core/connection.ts";
import { allGone, bounded } from "../fixtures/child_wait.ts";
import { EventStream } from "../fixtures/gateway_client.ts";
import { childrenOf, until } from "../fixtures/gateway_process.ts";
import { modernHeaders, modernMeta } from "../fixtures/reporting/callers.ts";
import { ReportChannel, startReportingHttp } from "../fixtures/reporting/channel.ts";
import { LinePeer } from "../fixtures/reporting/line_peer.ts";
import { type SluiceServe, startServe } from "../fixtures/sluice.ts";

const FLAGS = ["--listen", "tcp://127.0.0.1:0", "--log-level", "error"];
/** Far below the 30 s that a drain may take for calls that do not end. */
const PROMPTLY_MS = 10_000;
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

function lineUrlOf(gateway: SluiceServe): URL {
  return new URL(/tcp:\/\/\S+/.exec(gateway.stdout())![0]);
}

/** A server that says nothing any more when it is started a second time. */
function mute(command: Command, flag: string): Command {
  const script = `[ -s ${flag} ] && exec sleep 1000; echo started > ${flag}; exec "$@"`;
  return { program: "bash", args: ["-c", script, "once", command.program, ...command.args] };
}

/** The process of the mute server, once it runs. */
async function muteChild(gateway: SluiceServe): Promise<number> {
  const isMute = (pid: number) =>
    Deno.readTextFileSync(`/proc/${pid}/cmdline`) === "sleep\x001000\x00";
  const find = () => childrenOf(gateway.pid).filter(isMute);
  await until(() => find().length > 0, "the next server");
  return find()[0];
}

for (const why of ["a call", "a subscription"]) {
  Deno.test({
    name: `a session can end while ${why} has its server started again`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using channel = new ReportChannel();
      const flag = await Deno.makeTempFile();
      const command = mute(channel.command({ transport: "stdio", era: "legacy" }), flag);
      await using gateway = await startServe(command, { flags: FLAGS });
      {
        using peer = await LinePeer.connect(lineUrlOf(gateway));
        await peer.initialize();
        if (why === "a subscription") {
          await peer.request("resources/subscribe", { uri: "test://a" });
        }
        const { pid } = await channel.next(({ event }) => event === "started", "the server");
        Deno.kill(pid, "SIGKILL");
        const restarted = muteChild(gateway);
        let isWaiting = why === "a subscription";
        while (!isWaiting) { // a call that goes to the server that dies is told so
          isWaiting = await Promise.race([
            restarted.then(() => true),
            peer.request("tools/list").then(() => false),
          ]);
        }
        await restarted;
        peer.break();
      }
      const pid = await muteChild(gateway);
      await allGone([pid], PROMPTLY_MS);
      gateway.signal("SIGTERM");
      assert.equal((await bounded(gateway.status, "the end", PROMPTLY_MS)).code, 0);
      await Deno.remove(flag);
    },
  });
}

/** A listen request over HTTP. */
async function listenOverHttp(url: URL): Promise<EventStream> {
  const params = { notifications: { toolsListChanged: true }, _meta: modernMeta() };
  const body = { jsonrpc: "2.0", id: "listen", method: "subscriptions/listen", params };
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      ...modernHeaders("subscriptions/listen"),
    },
    body: JSON.stringify(body),
  });
  return new EventStream(response.body!);
}

async function drainsListening(gateway: SluiceServe): Promise<void> {
  await using stream = await listenOverHttp(gateway.url);
  using line = await LinePeer.connect(lineUrlOf(gateway));
  using legacy = await LinePeer.connect(lineUrlOf(gateway));
  await legacy.initialize();
  await legacy.request("resources/subscribe", { uri: "test://a" });
  const params = { notifications: { toolsListChanged: true }, _meta: modernMeta() };
  await line.send({ id: "line", method: "subscriptions/listen", params });
  await line.told(ACKNOWLEDGED);
  await stream.until(1);
  gateway.signal("SIGTERM");
  const ended = await line.next(({ id }) => id === "line", "the end of the stream on tcp");
  await bounded(stream.ended, "the end of the stream over HTTP");
  for (const [answer, id] of [[ended, "line"], [stream.messages.at(-1), "listen"]]) {
    assert.equal(answer.id, id);
    assert.equal(answer.result?.resultType, "complete", JSON.stringify(answer));
    assert.equal(answer.result._meta["io.modelcontextprotocol/subscriptionId"], id);
  }
  assert.equal((await bounded(gateway.status, "the end", PROMPTLY_MS)).code, 0);
}

for (const era of ["legacy", "modern"] as const) {
  for (const sharing of [[], ["--shared"]]) {
    const flags = [...FLAGS, ...sharing];
    Deno.test(`a drain ends listen streams in order, ${era} stdio server ${sharing}`, async () => {
      await using channel = new ReportChannel();
      await using gateway = await startServe(channel.command({ transport: "stdio", era }), {
        flags,
      });
      await drainsListening(gateway);
    });

    Deno.test(`a drain ends listen streams in order, ${era} HTTP server ${sharing}`, async () => {
      await using channel = new ReportChannel();
      await using server = await startReportingHttp(channel, era);
      await using gateway = await startServe(server.url, { flags });
      await drainsListening(gateway);
    });
  }
}
