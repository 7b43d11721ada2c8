/**
 * Which `Host` and `Origin` a listener answers to: the defence against DNS rebinding, where a page of
 * a foreign site reaches a local server under the foreign name (MCP, transports, security warning).
 *
 * @module
 */

/** What a listener answers to besides its defaults. */
export interface HostRules {
  /** Host names, with a port (then only that port) or without; `*` allows any. */
  readonly allowedHosts?: readonly string[];
  /** Origins as browsers send them (`https://app.example.com`); `*` allows any. */
  readonly allowedOrigins?: readonly string[];
}

/** Result of a check: `malformed` is answered 400, `foreign` 403. */
export type HostVerdict = "allowed" | "foreign" | "malformed";

/** Answers are remembered by the header's text; so many are kept. */
const REMEMBERED_MAX = 64;
const AUTHORITY = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?$/;
const ORIGIN = /^(https?):\/\/([^/?#@\\]+)$/;
const IPV4_LOOPBACK = /^127(\.\d{1,3}){3}$/;

/** Whether a host name means this machine and nothing else. Brackets around IPv6 are optional. */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase();
  return name === "localhost" || name === "::1" || name === "[::1]" || IPV4_LOOPBACK.test(name);
}

/** The check of one listener. */
export class HostCheck {
  readonly #boundHost: string;
  readonly #loopback: boolean;
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #remembered = new Set<string>();

  /** @param boundHost the name or address the listener was told to bind */
  constructor(boundHost: string, rules: HostRules = {}) {
    this.#boundHost = bracketed(boundHost.toLowerCase());
    this.#loopback = isLoopbackHost(boundHost);
    this.#hosts = new Set(rules.allowedHosts?.map((host) => host.toLowerCase()));
    this.#origins = new Set(rules.allowedOrigins?.map((origin) => origin.toLowerCase()));
  }

  /**
   * @param header text of the one `Host` header
   * @param localAddress address the connection came in on; asked for only when nothing else matches
   * @param port port the listener is bound to
   */
  host(header: string, localAddress: () => string | undefined, port: number): HostVerdict {
    if (this.#remembered.has(header)) return "allowed";
    const match = AUTHORITY.exec(header.toLowerCase());
    if (match === null) return "malformed";
    if (!this.#isOurs(match[1], match[2], localAddress, port)) return "foreign";
    this.#remember(header);
    return "allowed";
  }

  /**
   * @param header text of the one `Origin` header
   * @param host text of the `Host` header, already allowed: an origin of the same name is not foreign
   */
  origin(header: string, host: string): HostVerdict {
    if (this.#origins.has("*") || this.#origins.has(header.toLowerCase())) return "allowed";
    const authority = ORIGIN.exec(header.toLowerCase())?.[2];
    const match = authority === undefined ? null : AUTHORITY.exec(authority);
    if (match === null) return "foreign"; // "null", userinfo, extensions: never ours unless listed
    if (authority === host.toLowerCase()) return "allowed";
    return this.#loopback && isLoopbackHost(match[1]) ? "allowed" : "foreign";
  }

  #isOurs(
    name: string,
    port: string | undefined,
    localAddress: () => string | undefined,
    boundPort: number,
  ): boolean {
    // A loopback name cannot be rebound, whatever the port: tunnels and containers change it.
    if (isLoopbackHost(name)) return true;
    if (this.#hosts.has("*") || this.#hosts.has(name) || this.#hosts.has(`${name}:${port}`)) {
      return true;
    }
    if (port !== undefined && Number(port) !== boundPort) return false;
    return name === this.#boundHost || name === bracketed(plainIpv4(localAddress() ?? ""));
  }

  #remember(header: string): void {
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.add(header);
  }
}

function bracketed(address: string): string {
  return address.includes(":") && !address.startsWith("[") ? `[${address}]` : address;
}

/** `::ffff:10.0.0.1`, as a dual-stack socket names it, is `10.0.0.1`. */
function plainIpv4(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
