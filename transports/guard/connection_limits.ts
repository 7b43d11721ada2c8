/**
 * How many connections may be open at once: of all listeners together, and from one address. A process that
 * runs out of descriptors serves nobody.
 *
 * @module
 */

/** Limits and hook of {@link ConnectionLimits}. */
export interface ConnectionLimitOptions {
  /** Connections of all addresses together. */
  readonly connectionsMax: number;
  /** Connections of one address; loopback addresses and unix sockets have no such limit. */
  readonly connectionsPerAddressMax: number;
  /** Called for each connection that was one too many. */
  readonly onRefused?: (limit: "total" | "address") => void;
}

/** Counts connections. Listeners that share an instance share its limits. */
export class ConnectionLimits {
  #options: ConnectionLimitOptions;
  readonly #byAddress = new Map<string, number>();
  #open = 0;

  constructor(options: ConnectionLimitOptions) {
    this.#options = options;
  }

  /** Changes limits; connections that are open stay. */
  limit(limits: Omit<ConnectionLimitOptions, "onRefused">): void {
    this.#options = { ...this.#options, ...limits };
  }

  /** Connections open now. */
  get open(): number {
    return this.#open;
  }

  /**
   * Asks for a place for a new connection.
   *
   * @param address of the peer; `undefined` for unix sockets
   * @returns gives the place back, once; `undefined` when there is none
   */
  admit(address: string | undefined): (() => void) | undefined {
    const { connectionsMax, connectionsPerAddressMax, onRefused } = this.#options;
    if (this.#open >= connectionsMax) return void onRefused?.("total");
    const owner = ownerOf(address);
    if (owner !== undefined) {
      const count = this.#byAddress.get(owner) ?? 0;
      if (count >= connectionsPerAddressMax) return void onRefused?.("address");
      this.#byAddress.set(owner, count + 1);
    }
    this.#open++;
    return () => this.#release(owner);
  }

  #release(owner: string | undefined): void {
    this.#open--;
    if (owner === undefined) return;
    const count = this.#byAddress.get(owner)! - 1;
    if (count > 0) this.#byAddress.set(owner, count);
    else this.#byAddress.delete(owner);
  }
}

/** Who is counted for an address: an IPv4 address, an IPv6 network of 64 bits, or nobody. */
function ownerOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const v4 = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (v4.startsWith("127.") || address === "::1") return undefined;
  return address.includes(":") && v4 === address ? networkOf(address) : v4;
}

/** The first 64 bits: whoever has an IPv6 address usually has all of its network. */
function networkOf(address: string): string {
  const [head, tail] = address.toLowerCase().split("%")[0].split("::");
  const groups = head === "" ? [] : head.split(":");
  const tailGroups = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + tailGroups.length < 8) groups.push("0");
  return [...groups, ...tailGroups].slice(0, 4).join(":");
}
