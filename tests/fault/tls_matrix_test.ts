import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import nodeTls from "node:tls";
import { request } from "../../lib/core/compose.ts";
import type { Connection, Listener } from "../../lib/core/connection.ts";
import { TransportError } from "../../lib/core/errors.ts";
import { tls } from "../../transports/socket/transport.ts";
import { type CertificateFiles, opensslPin, TestAuthority } from "../fixtures/certificates.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { echoAll } from "../fixtures/socket_echo.ts";

const never = new AbortController().signal;

/** A listener of ours that notes what it sees. */
class Server implements AsyncDisposable {
  readonly failures: string[] = [];
  readonly identities: Connection["peer"]["tls"][] = [];
  readonly #listener: Listener;
  readonly #served: Promise<void>;
  #onFailure = () => {};

  private constructor(listener: (failed: (failure: string) => void) => Listener) {
    this.#listener = listener((failure) => {
      this.failures.push(failure);
      this.#onFailure();
    });
    this.#served = echoAll(noting(this.#listener, this.identities));
  }

  static async start({ cert, key }: CertificateFiles, clientCa?: string): Promise<Server> {
    const url = new URL(`tls://127.0.0.1:0?cert=${cert}&key=${key}`);
    if (clientCa !== undefined) url.search += `&clientCa=${clientCa}`;
    let failed: (failure: string) => void = () => {};
    const transport = tls({ onTlsFailed: (failure) => failed(failure), probeIntervalMs: 5 });
    const listener = await transport.listen({ url }, never);
    return new Server((onFailed) => {
      failed = onFailed;
      return listener;
    });
  }

  /** Address for a client, with parameters. */
  urlFor(host: string, query: string): URL {
    return new URL(`tls://${host}:${this.#listener.url.port}?${query}`);
  }

  failed(): Promise<void> {
    return this.failures.length > 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#onFailure = resolve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
    await this.#served;
  }
}

function noting(listener: Listener, identities: Connection["peer"]["tls"][]): Listener {
  return {
    url: listener.url,
    async *[Symbol.asyncIterator]() {
      for await (const arrival of listener) {
        identities.push((arrival as Connection).peer.tls);
        yield arrival;
      }
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** Dials, sends one message and waits for its echo. */
async function echo(url: URL): Promise<void> {
  await using connection = await tls().dial({ url }, never);
  const writer = connection.writable.getWriter();
  await writer.write([request(1, "ping")]);
  const { done } = await bounded(connection.readable.getReader().read(), "the echo");
  if (done) throw new TransportError("Cannot echo: the server has closed");
}

Deno.test("tls reaches a server that its own authority vouches for, by name and by address", async () => {
  await using authority = await TestAuthority.create();
  await using server = await Server.start(await authority.issue("server"));
  for (const host of ["localhost", "127.0.0.1"]) {
    await echo(server.urlFor(host, `ca=${authority.ca}`));
  }
  assert.deepEqual(server.identities, [undefined, undefined]);
  assert.deepEqual(server.failures, []);
});

Deno.test("tls takes a bundle of several authorities", async () => {
  await using authority = await TestAuthority.create();
  await using other = await TestAuthority.create();
  const texts = [await Deno.readTextFile(other.ca), await Deno.readTextFile(authority.ca)];
  const bundle = await authority.write("bundle.pem", texts.join("\n"));
  await using server = await Server.start(await authority.issue("server"));
  await echo(server.urlFor("localhost", `ca=${bundle}`));
});

Deno.test("tls refuses servers that it cannot trust", async (t) => {
  await using authority = await TestAuthority.create();
  await using other = await TestAuthority.create();
  const cases: [string, CertificateFiles, string, RegExp][] = [
    ["of another authority", await other.issue("a"), `ca=${authority.ca}`, /certificate/],
    ["of no authority that the system knows", await authority.issue("b"), "", /certificate/],
    ["expired", await authority.issue("c", { days: -1 }), `ca=${authority.ca}`, /expired/i],
    [
      "of another name",
      await authority.issue("d", { altNames: ["DNS:other.example"] }),
      `ca=${authority.ca}`,
      /does not match certificate's altnames/,
    ],
  ];
  for (const [name, files, query, reason] of cases) {
    await t.step(name, async () => {
      await using server = await Server.start(files);
      const url = server.urlFor("localhost", query);
      await assert.rejects(tls().dial({ url }, never), (error: Error) => {
        assert.ok(error instanceof TransportError);
        assert.match(error.message, /^Cannot reach tls:\/\/localhost:\d+: /);
        assert.match(error.message, reason);
        return true;
      });
      assert.equal(server.identities.length, 0);
    });
  }
});

Deno.test("tls takes a server whose key is pinned, and each of several pins", async () => {
  await using authority = await TestAuthority.create();
  const server = await authority.issue("server"), next = await authority.issue("next");
  const pins = `pin=${await opensslPin(server.cert)}&pin=${await opensslPin(next.cert)}`;
  for (const files of [server, next]) {
    await using listening = await Server.start(files);
    await echo(listening.urlFor("localhost", `ca=${authority.ca}&${pins}`));
  }
});

Deno.test("tls sends no byte to a server with another key than the pinned one", async () => {
  await using authority = await TestAuthority.create();
  const { cert, key } = await authority.issue("server");
  const pin = await opensslPin((await authority.issue("expected")).cert);
  let bytes = 0;
  const ended = Promise.withResolvers<void>();
  const server = nodeTls.createServer({
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
  }, (socket) => {
    socket.on("data", (chunk) => bytes += chunk.length).on("error", () => {});
    socket.on("close", () => ended.resolve());
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  const url = new URL(`tls://127.0.0.1:${port}?ca=${authority.ca}&pin=${pin}`);
  const actual = await opensslPin(cert);
  await assert.rejects(tls().dial({ url }, never), {
    name: "TransportError",
    message: `Cannot trust tls://127.0.0.1:${port}: its public key ${actual} matches no pin`,
  });
  await bounded(ended.promise, "the end of the connection");
  assert.equal(bytes, 0);
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
});

Deno.test("tls knows who a client with a certificate is", async () => {
  await using authority = await TestAuthority.create();
  await using server = await Server.start(await authority.issue("server"), authority.ca);
  const altNames = ["DNS:client.example", "URI:spiffe://a/b"];
  const { cert, key } = await authority.issue("client", { altNames, subject: "/O=o/CN=alice" });
  await echo(server.urlFor("localhost", `ca=${authority.ca}&cert=${cert}&key=${key}`));
  const [identity] = server.identities;
  assert.equal(identity?.commonName, "alice");
  assert.deepEqual(identity?.altNames, altNames);
  assert.match(identity!.fingerprint256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.deepEqual(server.failures, []);
});

Deno.test("tls lets nobody in without a good certificate where clients need one", async (t) => {
  await using authority = await TestAuthority.create();
  await using other = await TestAuthority.create();
  const files = await authority.issue("server");
  const query = ({ cert, key }: CertificateFiles) => `&cert=${cert}&key=${key}`;
  const cases = [
    ["none", ""],
    ["of another authority", query(await other.issue("stranger"))],
    ["expired", query(await authority.issue("late", { days: -1 }))],
  ];
  for (const [name, certificate] of cases) {
    await t.step(name, async () => {
      await using server = await Server.start(files, authority.ca);
      const url = server.urlFor("localhost", `ca=${authority.ca}${certificate}`);
      await assert.rejects(echo(url), TransportError);
      await bounded(server.failed(), "the failure told");
      assert.deepEqual(server.failures, ["cert_invalid"]);
      assert.equal(server.identities.length, 0);
    });
  }
});

Deno.test("tls refuses versions older than 1.2, and what is no TLS at all", async () => {
  await using authority = await TestAuthority.create();
  await using server = await Server.start(await authority.issue("server"));
  const { port } = server.urlFor("localhost", "");
  const script = 'echo | openssl s_client -connect "127.0.0.1:$1" -"$2" 2>&1; true';
  const version = async (option: string) => {
    const args = ["-c", script, "sh", port, option];
    const { stdout } = await new Deno.Command("sh", { args, stderr: "null" }).output();
    return /New, (TLSv[\d.]+), Cipher is [A-Z]/.exec(new TextDecoder().decode(stdout))?.[1];
  };
  assert.equal(await version("tls1_1"), undefined);
  assert.equal(await version("tls1_2"), "TLSv1.2");
  assert.equal(await version("tls1_3"), "TLSv1.3");
  const plain = await Deno.connect({ port: Number(port) });
  await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  const answer = new Uint8Array(64);
  while (await plain.read(answer) !== null) { /* an alert may come */ }
  plain.close();
  assert.ok(server.failures.includes("tls_error"), server.failures.join());
});
