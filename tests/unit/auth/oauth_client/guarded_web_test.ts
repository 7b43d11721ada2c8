import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import https from "node:https";
import { GuardedWeb } from "../../../../lib/auth/oauth_client/guarded_web.ts";
import { TestAuthority } from "../../../fixtures/certificates.ts";

/** A listener that counts who comes. */
class Trap implements AsyncDisposable {
  connections = 0;
  readonly port: number;
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", () => this.connections++);
  }

  static async set(handler: http.RequestListener = (_, res) => void res.end("{}")): Promise<Trap> {
    const server = http.createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Trap(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

const PUBLIC = new URL("https://server.test/mcp");
const LOCAL = new URL("http://127.0.0.1:1/mcp");

function webOf(
  upstream: URL,
  addresses: readonly string[] = [],
  allowPrivateNetworks = false,
  ca?: string,
) {
  const asked: string[] = [];
  const web = new GuardedWeb({
    upstream,
    allowPrivateNetworks,
    ca,
    resolve: (host) => {
      asked.push(host);
      return Promise.resolve(addresses);
    },
  });
  return { web, asked };
}

Deno.test("GuardedWeb does not connect to this machine for a public server", async () => {
  await using trap = await Trap.set();
  const { web } = webOf(PUBLIC);
  for (const host of ["127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]"]) {
    const refused = /an address of this machine/;
    await assert.rejects(web.fetch(`https://${host}:${trap.port}/x`), refused, host);
    await assert.rejects(web.fetch(`http://${host}:${trap.port}/x`), /no https address/, host);
  }
  for (const host of ["[2002:7f00:1::]", "[64:ff9b::7f00:1]", "169.254.169.254", "0.0.0.0"]) {
    await assert.rejects(web.fetch(`https://${host}:${trap.port}/x`), /belongs to no host/, host);
  }
  assert.equal(trap.connections, 0);
});

Deno.test("GuardedWeb refuses a name when one of its addresses is bad", async () => {
  await using trap = await Trap.set();
  for (const bad of ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"]) {
    const { web } = webOf(PUBLIC, ["8.8.8.8", bad]);
    await assert.rejects(
      web.fetch(`https://name.test:${trap.port}/`),
      /which a server's metadata must not lead to/,
    );
  }
  assert.equal(trap.connections, 0);
});

Deno.test("GuardedWeb looks a name up once, and connects to what it found", async () => {
  await using trap = await Trap.set();
  const upstream = new URL("http://localhost:1/mcp");
  const { web, asked } = webOf(upstream, ["127.0.0.1"]);
  const answer = await web.fetch(`http://changes.localhost:${trap.port}/`);
  assert.equal(await answer.text(), "{}");
  assert.deepEqual(asked, ["changes.localhost"]);
});

Deno.test("GuardedWeb reaches private networks only where that is allowed", async () => {
  for (
    const [upstream, allowed, refused] of [
      [PUBLIC, false, true],
      [PUBLIC, true, false],
      [new URL("https://10.1.1.1/mcp"), false, false],
    ] as const
  ) {
    const { web } = webOf(upstream, ["10.255.255.1"], allowed);
    const stopped = new AbortController();
    const fetched = web.fetch("https://inside.test/", { signal: stopped.signal });
    stopped.abort(); // it is the rule that is looked at, nobody answers there
    const told = await fetched.then(() => "answer", (error) => error.message);
    assert.equal(/private network/.test(told), refused, told);
  }
});

Deno.test("GuardedWeb takes only https, and http on this machine for a server there", async () => {
  const { web } = webOf(LOCAL);
  for (const url of ["file:///etc/passwd", "javascript:alert(1)", "ftp://x.test/", "data:,x"]) {
    await assert.rejects(web.fetch(url), /no https address/, url);
  }
  await assert.rejects(web.fetch("http://x.test/"), /no https address/);
  await assert.rejects(web.fetch("https://a:b@x.test/"), /credentials/);
});

Deno.test("GuardedWeb follows redirects within the origin only", async () => {
  await using other = await Trap.set();
  await using trap = await Trap.set((req, res) => {
    const targets: Record<string, string> = {
      "/same": "/end",
      "/other": `http://127.0.0.1:${other.port}/`,
      "/scheme": "file:///etc/passwd",
      "/loop": "/loop",
    };
    const location = targets[req.url!];
    if (location === undefined) return void res.end(`"${req.url}"`);
    res.writeHead(302, { location }).end();
  });
  const { web } = webOf(LOCAL);
  const at = (path: string) => `http://127.0.0.1:${trap.port}${path}`;
  assert.equal(await (await web.fetch(at("/same"))).text(), '"/end"');
  await assert.rejects(web.fetch(at("/other")), /redirects to another origin/);
  await assert.rejects(web.fetch(at("/scheme")), /redirects to another origin/);
  await assert.rejects(web.fetch(at("/loop")), /redirects more than 3 times/);
  assert.equal((await web.fetch(at("/other"), { method: "POST", body: "x" })).status, 302);
  assert.equal(other.connections, 0);
});

Deno.test("GuardedWeb bounds what it takes", async () => {
  await using trap = await Trap.set((req, res) => {
    if (req.url === "/gzip") res.writeHead(200, { "content-encoding": "gzip" });
    res.on("error", () => {}); // it hangs up
    if (req.url === "/cut") {
      return void res.writeHead(200, { "content-length": 9 }).write("x", () => res.destroy());
    }
    res.end(req.url === "/large" ? "x".repeat(300_000) : "x");
  });
  const { web } = webOf(LOCAL);
  const at = (path: string) => `http://127.0.0.1:${trap.port}${path}`;
  await assert.rejects(web.fetch(at("/large")), /larger than 262144 bytes/);
  await assert.rejects(web.fetch(at("/gzip")), /compressed, unasked/);
  await assert.rejects(web.fetch(at("/cut")));
});

Deno.test("GuardedWeb stops when the signal aborts", async () => {
  await using trap = await Trap.set(() => {});
  const { web } = webOf(LOCAL);
  const stopped = new AbortController();
  const fetched = web.fetch(`http://127.0.0.1:${trap.port}/`, { signal: stopped.signal });
  stopped.abort();
  await assert.rejects(fetched, /does not answer in time/);
});

Deno.test("GuardedWeb tells no part of a query", async () => {
  const { web } = webOf(PUBLIC, ["127.0.0.1"]);
  await assert.rejects(web.fetch("https://x.test/path?code=SECRET"), (error: Error) => {
    assert.ok(error.message.includes("https://x.test/path"), error.message);
    return !error.message.includes("SECRET");
  });
});

Deno.test("GuardedWeb checks the certificate against the name, not the address", async () => {
  await using authority = await TestAuthority.create();
  const files = await authority.issue("server", { altNames: ["DNS:name.test"] });
  const [cert, key] = await Promise.all([files.cert, files.key].map((f) => Deno.readTextFile(f)));
  let requests = 0;
  const server = https.createServer({ cert, key }, (_, res) => {
    requests++;
    res.end("{}");
  });
  server.on("tlsClientError", () => {}); // that is the point
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const ca = await Deno.readTextFile(authority.ca);
    const { web } = webOf(LOCAL, ["127.0.0.1"], false, ca);
    await assert.rejects(web.fetch(`https://other.test:${port}/`));
    await assert.rejects(web.fetch(`https://127.0.0.1:${port}/`));
    await assert.rejects(webOf(LOCAL, ["127.0.0.1"]).web.fetch(`https://name.test:${port}/`));
    assert.equal(requests, 0);
    assert.equal((await web.fetch(`https://name.test:${port}/`)).status, 200);
  } finally {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});
