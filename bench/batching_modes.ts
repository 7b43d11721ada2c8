/**
 * What it costs the server to answer when batching is off (each message its own write), fixed, adaptive, or what the
 * outbox does by itself (by pressure: all that waits in one write): `deno run -A bench/batching_modes.ts [ROUNDS [tcp | websocket]]`.
 * Real sockets, the server a process of its own; CPU time of the server a message, modes in random order.
 *
 * @module
 */
import { createConnection, type Socket } from "node:net";
import type { Batching } from "../lib/core/batching.ts";
import { AdaptiveBatching, BATCHING, FixedBatching, UNBATCHED } from "../lib/framing/batcher.ts";
import { Gateway } from "../lib/gateway.ts";
import { Dispatcher } from "../lib/session/dispatcher.ts";
import { SessionRegistry } from "../lib/session/registry.ts";
import { echoUpstream } from "../lib/upstream/echo.ts";
import { tcp } from "../transports/socket/transport.ts";
import { WEBSOCKET_PATH } from "../transports/websocket/server.ts";
import { WebSocketTransport } from "../transports/websocket/transport.ts";

type TransportName = "tcp" | "websocket";

const MODES: Readonly<Record<string, (transport: TransportName) => Batching | undefined>> = {
  off: () => new FixedBatching(UNBATCHED),
  fixed: (transport) => new FixedBatching(BATCHING[transport]),
  adaptive: (transport) => new AdaptiveBatching(BATCHING[transport]),
  pressure: () => undefined,
};
const SCENES = [[1, 1], [100, 1], [1000, 1], [1000, 10]] as const;
const WARM_MS = 1500;
const MEASURED_MS = 2500;

/** Serves the native echo until it is killed; prints its port. */
async function serve(transport: TransportName, mode: string): Promise<void> {
  const ignored = () => {};
  const meter = { received: ignored, sent: ignored, badMessage: ignored, connections: ignored };
  const events = {
    ...{ answered: ignored, undelivered: ignored, unprepared: ignored, failed: ignored },
    meter: () => meter,
  };
  const upstream = echoUpstream("echo", "0");
  const sessions = new SessionRegistry({
    sessionsMax: 10_000,
    sessionIdleMs: 60_000,
    onCount: ignored,
  });
  const gateway = new Gateway({
    dispatcher: new Dispatcher(upstream.handle, events),
    ...{ sessions, upstream, events },
    buffer: { batching: () => MODES[mode](transport) },
  });
  const { signal } = new AbortController();
  const listener = transport === "tcp"
    ? await tcp().listen({ url: new URL("tcp://127.0.0.1:0") }, signal)
    : await new WebSocketTransport().listen({ url: new URL("ws://127.0.0.1:0") }, signal);
  console.log(`port ${listener.url.port}`);
  await gateway.serve(listener);
}

const encoder = new TextEncoder();
const INITIALIZE = '{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":' +
  '"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}';

/** A message as it travels; frames are masked with zeros. */
function wire(transport: TransportName, text: string): Uint8Array {
  if (transport === "tcp") return encoder.encode(`${text}\n`);
  const long = text.length > 125;
  const head = long
    ? [0x81, 0xfe, text.length >> 8, text.length & 255, 0, 0, 0, 0]
    : [0x81, 0x80 | text.length, 0, 0, 0, 0];
  return new Uint8Array([...head, ...encoder.encode(text)]);
}

/** The ids are as long as each other, so all answers are. */
function calls(transport: TransportName, count: number): Uint8Array {
  const parts = Array.from({ length: count }, (_, i) =>
    wire(
      transport,
      `{"jsonrpc":"2.0","id":${100 + i},"method":"tools/call","params":{"name":"echo",` +
        `"arguments":{"message":"${"x".repeat(60)}"}}}`,
    ));
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** Keeps so many calls in flight on one connection. */
class Client {
  answered = 0;
  readonly #socket: Socket;
  readonly #calls: Uint8Array;
  readonly #inFlight: number;
  #open = 0;
  #bytes = 0;

  private constructor(socket: Socket, calls: Uint8Array, inFlight: number) {
    this.#socket = socket;
    this.#calls = calls;
    this.#inFlight = inFlight;
  }

  static async open(transport: TransportName, port: number, inFlight: number): Promise<Client> {
    const socket = createConnection(port, "127.0.0.1");
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    socket.setNoDelay(true);
    if (transport === "websocket") {
      socket.write(
        `GET ${WEBSOCKET_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      );
      await next(socket);
    }
    socket.write(wire(transport, INITIALIZE));
    await next(socket);
    const one = calls(transport, 1);
    socket.write(one);
    const answerBytes = (await next(socket)).length;
    const client = new Client(socket, calls(transport, inFlight), inFlight);
    socket.on("data", (chunk) => client.#onData(chunk.length, answerBytes));
    return client;
  }

  start(): void {
    this.#open = this.#inFlight;
    this.#socket.write(this.#calls);
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(byteLength: number, answerBytes: number): void {
    this.#bytes += byteLength;
    const count = Math.floor(this.#bytes / answerBytes);
    this.#bytes -= count * answerBytes;
    this.answered += count;
    this.#open -= count;
    if (this.#open === 0) this.start();
  }
}

function next(socket: Socket): Promise<Uint8Array> {
  return new Promise((resolve) => socket.once("data", resolve));
}

/** CPU time of a process, us (Linux: a tick is 10 ms). */
function cpuUs(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** CPU time of the server a message, us. */
async function measure(transport: TransportName, mode: string, scene: readonly [number, number]) {
  const [connections, inFlight] = scene;
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", import.meta.url, "serve", transport, mode],
    stdout: "piped",
  }).spawn();
  const output = server.stdout.getReader();
  const port = Number(/port (\d+)/.exec(new TextDecoder().decode((await output.read()).value))![1]);
  const clients: Client[] = [];
  for (let i = 0; i < connections; i++) clients.push(await Client.open(transport, port, inFlight));
  for (const client of clients) client.start();
  const answered = () => clients.reduce((sum, client) => sum + client.answered, 0);
  await pause(WARM_MS);
  const before = answered(), beforeUs = cpuUs(server.pid), beforeMs = performance.now();
  await pause(MEASURED_MS);
  const count = answered() - before;
  const figures = {
    us: (cpuUs(server.pid) - beforeUs) / count,
    perSecond: 1000 * count / (performance.now() - beforeMs),
  };
  for (const client of clients) client.close();
  server.kill("SIGKILL");
  await output.cancel();
  await server.status;
  return figures;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

async function compare(pairs: number, transports: readonly TransportName[]): Promise<void> {
  for (const transport of transports) {
    for (const scene of SCENES) {
      const us: Record<string, number[]> = {}, rates: Record<string, number[]> = {};
      for (let pair = 0; pair < pairs; pair++) {
        for (const mode of Object.keys(MODES).toSorted(() => Math.random() - 0.5)) {
          const figures = await measure(transport, mode, scene);
          (us[mode] ??= []).push(figures.us);
          (rates[mode] ??= []).push(figures.perSecond);
        }
      }
      const cells = Object.keys(MODES).map((mode) => {
        const ratio = median(us[mode].map((value, pair) => us.off[pair] / value));
        return `${mode} ${median(us[mode]).toFixed(2)} us (${median(rates[mode]).toFixed(0)}/s, ` +
          `off/this ${ratio.toFixed(2)})`;
      });
      console.log(`${transport} ${scene[0]} x ${scene[1]}: ${cells.join("; ")}`);
    }
  }
}

const [first, transport, mode] = Deno.args;
if (first === "serve") await serve(transport as TransportName, mode);
else {
  await compare(
    Number(first ?? 5),
    transport ? [transport as TransportName] : ["tcp", "websocket"],
  );
  Deno.exit(0);
}
