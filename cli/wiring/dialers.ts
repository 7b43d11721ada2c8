/**
 * Which transport reaches an upstream. Transports are loaded only where they are used.
 *
 * @module
 */
import type { Endpoint, Transport } from "../../lib/core/connection.ts";
import type { Base } from "./base.ts";
import { VERSION } from "../version.ts";

/** Makes the transport for one upstream. */
type Dialer = (base: Base, name: string) => Promise<Transport>;

/** By the scheme of the URL; a command has the scheme `stdio:`. */
const DIALERS: Readonly<Record<string, Dialer>> = {
  "stdio:": childDialer,
  "builtin:": builtinDialer,
  "http:": httpDialer,
  "https:": httpDialer,
  "sse+http:": sseDialer,
  "sse+https:": sseDialer,
  "ws:": webSocketDialer,
  "wss:": webSocketDialer,
  "tcp:": async ({ config }) => (await sockets()).tcp(limitsOf(config)),
  "tls:": async ({ config }) => (await sockets()).tls(limitsOf(config)),
  "unix:": async ({ config }) => (await sockets()).unix(limitsOf(config)),
};

/** The transport that dials an endpoint. */
export async function dialer(base: Base, endpoint: Endpoint, name: string): Promise<Transport> {
  return await DIALERS[endpoint.url.protocol](base, name);
}

/** A server's chatter on stderr must not drown the log. */
const STDERR_LINES_PER_SECOND_MAX = 100;

async function childDialer(base: Base, name: string): Promise<Transport> {
  const { child } = await import("../../transports/child.ts");
  const { limited } = await import("../../lib/telemetry/limited_logger.ts");
  const log = limited(base.log.child("child"), STDERR_LINES_PER_SECOND_MAX);
  const transport = child({
    messageBytesMax: base.config.limits.messageBytes,
    onStderr: (line) => log.info(line, { upstream: name }),
    onWarning: (text) => base.log.warn(text),
  });
  base.owned.push(transport);
  const starts = base.log.child("child");
  const dial: Transport["dial"] = async (endpoint, signal) => {
    const connection = await transport.dial(endpoint, signal);
    const { program } = endpoint.command!; // its arguments may hold secrets
    starts.debug("program started", { upstream: name, program, peer: connection.peer.address });
    return connection;
  };
  return counted({ ...transport, dial }, base.metrics.children);
}

async function builtinDialer(): Promise<Transport> {
  const { builtinTransport } = await import("../../transports/builtin.ts");
  return builtinTransport(VERSION);
}

async function httpDialer(base: Base, name: string): Promise<Transport> {
  const { StreamableHttpTransport } = await import("../../transports/streamable_http/transport.ts");
  const log = base.log.child("http");
  return new StreamableHttpTransport({
    client: {
      messageBytesMax: base.config.limits.messageBytes,
      onLost: (reason) => log.warn("message lost", { upstream: name, reason }),
    },
  });
}

async function sseDialer(base: Base, name: string): Promise<Transport> {
  const { SseTransport } = await import("../../transports/sse/transport.ts");
  const log = base.log.child("sse");
  return new SseTransport({
    client: {
      messageBytesMax: base.config.limits.messageBytes,
      onLost: (reason) => log.warn("message lost", { upstream: name, reason }),
    },
  });
}

async function webSocketDialer({ config }: Base): Promise<Transport> {
  const { WebSocketTransport } = await import("../../transports/websocket/transport.ts");
  return new WebSocketTransport({ client: { messageBytesMax: config.limits.messageBytes } });
}

function sockets() {
  return import("../../transports/socket/transport.ts");
}

function limitsOf({ limits }: Base["config"]) {
  return { messageBytesMax: limits.messageBytes, bufferBytesMax: limits.bufferBytes };
}

/** Counts the connections of a transport while they last. */
function counted(transport: Transport, gauge: { inc(n: number): void }): Transport {
  return {
    ...transport,
    async dial(endpoint, signal) {
      const connection = await transport.dial(endpoint, signal);
      gauge.inc(1);
      const ended = () => gauge.inc(-1);
      connection.closed.then(ended, ended);
      return connection;
    },
  };
}
