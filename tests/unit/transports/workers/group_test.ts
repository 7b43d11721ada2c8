import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { becomeWorker } from "../../../../lib/core/worker_tag.ts";
import { HttpListener } from "../../../../transports/http/listener.ts";
import { relayedFrom, remotePortOf } from "../../../../transports/workers/origin.ts";
import { WorkerGroup } from "../../../../transports/workers/group.ts";
import { bounded } from "../../../fixtures/child_wait.ts";
import { ask, textOf } from "../../../fixtures/workers_scene.ts";

/** Worker 2, whose listener gets the requests, and worker 1, to whom their sessions belong. */
interface Scene extends AsyncDisposable {
  readonly url: URL;
  readonly near: WorkerGroup;
  readonly far: WorkerGroup;
  readonly folder: string;
}

const OWN = "/own", PATH = "/mcp";
const SESSION = { "mcp-session-id": "1~abc" };

async function scene(answer: http.RequestListener): Promise<Scene> {
  const folder = await Deno.makeTempDir();
  const place = { count: 2, folder, secret: "secret" };
  const asked: http.RequestListener = (req, res) => res.end(`asked ${req.url}`);
  becomeWorker(2);
  const near = await WorkerGroup.open({ ...place, number: 2 }, { answer: asked });
  const far = await WorkerGroup.open({ ...place, number: 1 }, { answer: asked });
  const listener = await HttpListener.bind("127.0.0.1", 0, { workers: near });
  listener.route(PATH, (_req, res) => void res.end("near"));
  listener.route(OWN, (_req, res) => void res.end("near"));
  const unmount = far.mount(listener.url.href, answer);
  return {
    url: new URL(PATH, listener.url),
    near,
    far,
    folder,
    async [Symbol.asyncDispose]() {
      unmount();
      await listener[Symbol.asyncDispose]();
      listener.destroyConnections();
      await listener.closed;
      for (const group of [near, far]) await group[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
      becomeWorker(0);
    },
  };
}

Deno.test("WorkerGroup relays head, body and answer as they are", async () => {
  const seen: unknown[] = [];
  await using here = await scene(async (req, res) => {
    const { method, url, headers } = req;
    seen.push(method, url, headers["x-a"], headers["x-sluice-worker"], await textOf(req));
    seen.push(relayedFrom(req)?.address, remotePortOf(req) === relayedFrom(req)?.port);
    res.writeHead(207, ["x-b", "1", "x-b", "2"]).end("ä".repeat(100_000));
  });
  const headers = { ...SESSION, "x-a": "b", "x-sluice-worker": "forged" };
  const answer = await ask(new URL("?q=1", here.url), "POST", headers, "body");
  assert.deepEqual([answer.statusCode, answer.headers["x-b"]], [207, "1, 2"]);
  assert.equal((await textOf(answer)).length, 100_000);
  const expected = ["POST", `${PATH}?q=1`, "b", undefined, "body", "127.0.0.1", true];
  assert.deepEqual(seen, expected);
});

Deno.test("WorkerGroup relays any size and framing of a body", async () => {
  await using here = await scene((req, res) => void req.pipe(res));
  for (const length of [0, 1, 65_536, 3_000_000]) {
    const request = http.request(here.url, { method: "POST", agent: false, headers: SESSION });
    const body = "x".repeat(length);
    for (let at = 0; at < length; at += 40_000) request.write(body.slice(at, at + 40_000));
    request.end();
    const [answer] = await once(request, "response");
    assert.equal(await textOf(answer) === body, true, `${length}`);
  }
});

Deno.test("WorkerGroup streams an answer while it is written", async () => {
  const events: http.ServerResponse[] = [];
  await using here = await scene((_req, res) => {
    res.writeHead(200, { "content-type": "text/event-stream" }).write("one");
    events.push(res);
  });
  const answer = await ask(here.url, "GET", SESSION);
  answer.setEncoding("utf8");
  assert.equal((await once(answer, "data"))[0], "one");
  events[0].write("two");
  assert.equal((await once(answer, "data"))[0], "two");
  events[0].end();
  await once(answer.resume(), "end");
});

Deno.test("WorkerGroup tells the other worker when the client goes", async () => {
  const gone = Promise.withResolvers<void>();
  await using here = await scene((_req, res) => {
    res.on("close", () => gone.resolve());
    res.writeHead(200).write("one");
  });
  const answer = await ask(here.url, "GET", SESSION);
  answer.destroy();
  await bounded(gone.promise, "the end at the other worker");
});

Deno.test("WorkerGroup keeps its own requests, and those that name nobody it knows", async () => {
  await using here = await scene((_req, res) => void res.end("far"));
  const named = (id: string) => ({ "mcp-session-id": id });
  for (
    const [headers, where] of [
      ...[[{}, "near"], [named("2~abc"), "near"], [named("3~abc"), "near"], [named("x"), "near"]],
      ...[[named("1~"), "far"], [{ "last-event-id": "1~abc.7" }, "far"]],
    ] as const
  ) {
    assert.equal(await textOf(await ask(here.url, "GET", headers)), where, JSON.stringify(headers));
  }
  const posted = await ask(new URL("?sessionId=1~abc", here.url), "POST", {}, "");
  assert.equal(await textOf(posted), "far");
});

Deno.test("WorkerGroup ends a client connection that begins with somebody else's request", async () => {
  await using here = await scene((_req, res) => void res.end("far"));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const get = async (headers: http.OutgoingHttpHeaders) => {
    const request = http.request(here.url, { agent, headers }).end();
    const [answer]: http.IncomingMessage[] = await once(request, "response");
    await textOf(answer);
    return [answer.headers.connection, request.reusedSocket];
  };
  assert.deepEqual(await get(SESSION), ["close", false]);
  assert.deepEqual(await get({}), ["keep-alive", false]);
  assert.deepEqual(await get(SESSION), ["keep-alive", true]);
  agent.destroy();
});

Deno.test("WorkerGroup answers for a worker that has gone", async () => {
  await using here = await scene((_req, res) => void res.end("far"));
  await textOf(await ask(here.url, "GET", SESSION)); // leaves a connection behind
  await here.far[Symbol.asyncDispose]();
  const answer = await ask(here.url, "POST", SESSION, "{}");
  assert.equal(answer.statusCode, 404);
  assert.match(await textOf(answer), /Cannot find session/);
});

Deno.test("WorkerGroup says that an outcome is unknown when a worker goes with a request", async () => {
  await using here = await scene((req) => void req.socket.destroy());
  const answer = await ask(here.url, "POST", SESSION, "{}");
  assert.equal(answer.statusCode, 502);
  assert.deepEqual(JSON.parse(await textOf(answer)).error.data, { outcome: "unknown" });
});

Deno.test("WorkerGroup breaks off an answer whose worker goes", async () => {
  await using here = await scene((req, res) => {
    res.writeHead(200).write("one", () => req.socket.destroy());
  });
  const answer = await ask(here.url, "GET", SESSION);
  await assert.rejects(textOf(answer));
});

Deno.test("WorkerGroup relays by a request state in the body, once", async () => {
  await using here = await scene(async (req, res) => {
    const body = await textOf(req);
    res.end(here.far.relayByBody("", req, res, new TextEncoder().encode(body)) ? "again" : body);
  });
  const own = http.createServer(async (req, res) => {
    const body = new TextEncoder().encode(await textOf(req));
    if (!here.near.relayByBody(here.url.origin + "/", req, res, body)) res.end("near");
  }).listen(0, "127.0.0.1");
  await once(own, "listening");
  const { port } = own.address() as net.AddressInfo;
  for (const [state, isFar] of [["1~abc", true], ["2~abc", false], ["9~abc", false], ["", false]]) {
    const body = JSON.stringify({ params: { requestState: state } });
    const answer = await ask(`http://127.0.0.1:${port}/`, "POST", {}, body);
    assert.equal(await textOf(answer), isFar ? body : "near");
  }
  await new Promise((resolve) => own.close(resolve));
});

Deno.test("WorkerGroup asks the others, and leaves out who does not answer", async () => {
  await using here = await scene(() => {});
  assert.deepEqual(await here.near.askOthers("/x", 30_000), ["asked /x"]);
  await here.far[Symbol.asyncDispose]();
  assert.deepEqual(await here.near.askOthers("/x", 30_000), []);
});

Deno.test("WorkerGroup leaves out who takes too long", async () => {
  await using here = await scene(() => {});
  await here.far[Symbol.asyncDispose]();
  const silent = net.createServer((socket) => socket.resume()).listen(join(here.folder, "1.sock"));
  await once(silent, "listening");
  assert.deepEqual(await here.near.askOthers("/x", 20), []);
  await new Promise((resolve) => silent.close(resolve));
});

Deno.test("WorkerGroup lets nobody in but those who know the secret", async () => {
  await using here = await scene((_req, res) => void res.end("far"));
  const socketPath = join(here.folder, "1.sock");
  assert.equal((await Deno.stat(socketPath)).mode! & 0o777, 0o600);
  for (const headers of [{}, { "x-sluice-worker": "other!.e30" }]) {
    const request = http.get({ socketPath, path: PATH, headers, agent: false });
    await assert.rejects(once(request, "response"), { code: "ECONNRESET" });
  }
});
