/**
 * Which proxies before the gateway are believed, and what they say about a request. Everybody else's
 * `X-Forwarded-*` is ignored: it is whatever the client likes to write.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import net from "node:net";
import { plainIp } from "../../lib/core/client_address.ts";
import { remoteAddressOf, remotePortOf } from "../workers/origin.ts";

/** The proxies of one listener. */
export class TrustedProxies {
  readonly #proxies = new net.BlockList();
  readonly #isEmpty: boolean;

  /**
   * @param networks addresses or CIDR networks: `10.0.0.0/8`, `::1`
   * @throws {RangeError} something else
   */
  constructor(networks: readonly string[] = []) {
    this.#isEmpty = networks.length === 0;
    for (const network of networks) this.#add(network);
  }

  /** Whether the other end of this request's connection is one of them. */
  isBehind(req: IncomingMessage): boolean {
    return !this.#isEmpty && this.#has(remoteAddressOf(req));
  }

  /** Address of the client: the last one in `X-Forwarded-For` that is no proxy of ours; else the peer's. */
  clientAddress(req: IncomingMessage): string {
    const peer = plainIp(remoteAddressOf(req));
    if (!this.isBehind(req)) return peer;
    const named = String(req.headers["x-forwarded-for"] ?? "").split(",").map((part) =>
      part.trim()
    );
    let client = peer;
    for (const address of named.reverse()) {
      if (net.isIP(address) === 0) break; // what stands before it came from anybody
      client = plainIp(address);
      if (!this.#has(client)) break;
    }
    return client;
  }

  /** The same with the port of the peer, as log lines and limits have it. */
  clientAndPort(req: IncomingMessage): string {
    const address = this.clientAddress(req);
    const remotePort = remotePortOf(req);
    return address.includes(":") ? `[${address}]:${remotePort}` : `${address}:${remotePort}`;
  }

  /** Whether the client's own connection is secured, as far as a proxy of ours says so. */
  saysHttps(req: IncomingMessage): boolean {
    return req.headers["x-forwarded-proto"] === "https" && this.isBehind(req);
  }

  #has(address: string): boolean {
    const ip = plainIp(address);
    const family = net.isIP(ip);
    return family !== 0 && this.#proxies.check(ip, family === 4 ? "ipv4" : "ipv6");
  }

  #add(network: string): void {
    const [address, bits, more] = network.split("/");
    const family = net.isIP(address);
    const bitsMax = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? bitsMax : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === 0 || more !== undefined || prefix < 0 || prefix > bitsMax) {
      throw new RangeError(`Cannot trust proxies ${network}: it is no address and no network`);
    }
    this.#proxies.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  }
}

/** Header fields by which proxies describe the client. */
export function isForwardingHeader(name: string): boolean {
  return name.startsWith("x-forwarded-") || name === "forwarded" || name === "x-real-ip";
}
