/**
 * Ports that several processes listen on (SO_REUSEPORT): whether that can be done, whether they are free, and
 * which one port 0 stands for.
 *
 * @module
 */
import net from "node:net";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import type { Endpoint } from "../../lib/core/connection.ts";
import { ConfigError, reasonOf, TransportError, UsageError } from "../../lib/core/errors.ts";

/** What port 0 of an address has become, by the URL as it is configured. */
export type Ports = Readonly<Record<string, number>>;

/** Ports that were found for all workers. */
export interface ReservedPorts extends Disposable {
  readonly ports: Ports;
}

const SHAREABLE: ReadonlySet<string> = new Set(["http:", "https:", "tcp:", "tls:"]);
const ADVICE = "run it with Deno 2.9.6 on Linux, or leave --workers out";

/**
 * Makes sure that workers can share the addresses, and that nobody listens there: with shared ports another
 * gateway of the same user would quietly get half of the clients.
 *
 * @returns holds port 0 of an address until it is disposed; not before a worker listens there
 * @throws {UsageError} it cannot be done here, or not with these addresses
 * @throws {TransportError} an address is in use
 */
export async function reservePorts(endpoints: readonly Endpoint[]): Promise<ReservedPorts> {
  await checkRuntime();
  checkAddresses(endpoints);
  const ports: Record<string, number> = {};
  const held: net.Server[] = [];
  const release = () => held.splice(0).forEach((server) => server.close());
  try {
    for (const { url } of endpoints) {
      if (!SHAREABLE.has(url.protocol)) continue;
      const isFree = url.port === "0";
      const server = await listening(url, isFree);
      if (!isFree) await closed(server);
      else {
        held.push(server);
        ports[url.href] = (server.address() as net.AddressInfo).port;
      }
    }
  } catch (error) {
    release();
    throw error;
  }
  return { ports, [Symbol.dispose]: release };
}

/**
 * A configuration with the ports that all workers share.
 *
 * @throws {ConfigError} an address that came later has port 0: each worker would find another
 */
export function withPorts(config: GatewayConfig, ports: Ports): GatewayConfig {
  const listen = config.listen.map((endpoint): Endpoint => {
    if (endpoint.url.port !== "0") return endpoint;
    const port = ports[endpoint.url.href];
    if (port === undefined) {
      const why = "several workers need a port with a number";
      throw new ConfigError(`Cannot listen on ${endpoint.url.host}: ${why}`, "choose one");
    }
    const url = new URL(endpoint.url);
    url.port = String(port);
    return { ...endpoint, url };
  });
  return Object.freeze({ ...config, listen: Object.freeze(listen) });
}

function checkAddresses(endpoints: readonly Endpoint[]): void {
  if (endpoints.some(({ url }) => url.protocol === "stdio:")) {
    throw new UsageError("Cannot run several workers: stdin can be read by one only", ADVICE);
  }
  if (endpoints.some(({ url }) => SHAREABLE.has(url.protocol))) return;
  const why = "the file of a socket cannot be shared";
  throw new UsageError(`Cannot run several workers: ${why}`, "listen on a port, too");
}

/** Deno 2.6 takes the option and does nothing with it; other systems than Linux do not divide connections. */
async function checkRuntime(): Promise<void> {
  const can = Deno.build.os === "linux" && await canSharePorts();
  if (can) return;
  throw new UsageError("Cannot run several workers: ports cannot be shared here", ADVICE);
}

async function canSharePorts(): Promise<boolean> {
  const url = new URL("tcp://127.0.0.1:0");
  const first = await listening(url, true);
  try {
    url.port = String((first.address() as net.AddressInfo).port);
    await closed(await listening(url, true));
    return true;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return false; // the port counts as in use
  } finally {
    await closed(first);
  }
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

function listening(url: URL, reusePort: boolean): Promise<net.Server> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || DEFAULT_PORTS[url.protocol]);
  const server = net.createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const where = `${url.hostname}:${port}`;
      reject(new TransportError(`Cannot listen on ${where}: ${reasonOf(cause)}`, { cause }));
    });
    server.listen({ port, host, reusePort }, () => resolve(server));
  });
}

function closed(server: net.Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
