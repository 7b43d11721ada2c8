/**
 * How many connections may be open at once: of all listeners together, and from one address. A process that
 * runs out of descriptors serves nobody.
 *
 * @module
 */
import { countedIp, isLoopbackIp, plainIp } from "../../lib/core/client_address.ts";
import type { WireBytes, WireFlow } from "./wire_bytes.ts";

/** Limits and hook of {@link ConnectionLimits}. */
export interface ConnectionLimitOptions {
  /** Connections of all addresses together. */
  readonly connectionsMax: number;
  /** Connections of one address; loopback addresses and unix sockets have no such limit. */
  readonly connectionsPerAddressMax: number;
  /** Called for each connection that was one too many, with the address of its peer. */
  readonly onRefused?: (limit: "total" | "address", address: string | undefined) => void;
  /** Whether connections of an address are not wanted at all. */
  readonly refuses?: (address: string) => boolean;
  /** Counts what passes over them. */
  readonly wire?: WireBytes;
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
  limit(limits: Omit<ConnectionLimitOptions, "onRefused" | "refuses" | "wire">): void {
    this.#options = { ...this.#options, ...limits };
  }

  /** Connections open now. */
  get open(): number {
    return this.#open;
  }

  /** Connections that may be open. */
  get max(): number {
    return this.#options.connectionsMax;
  }

  /**
   * Asks for a place for a new connection.
   *
   * @param address of the peer; `undefined` for unix sockets
   * @param transport what it carries, and the bytes of it; absent where they are counted already
   * @returns gives the place back, once; `undefined` when there is none
   */
  admit(address: string | undefined, ...flow: WireFlow | []): (() => void) | undefined {
    const { connectionsMax, connectionsPerAddressMax, onRefused, refuses } = this.#options;
    if (address !== undefined && refuses?.(address)) return undefined;
    if (this.#open >= connectionsMax) return void onRefused?.("total", address);
    const owner = ownerOf(address);
    if (owner !== undefined) {
      const count = this.#byAddress.get(owner) ?? 0;
      if (count >= connectionsPerAddressMax) return void onRefused?.("address", address);
      this.#byAddress.set(owner, count + 1);
    }
    this.#open++;
    const counted = flow.length === 0 ? undefined : this.#options.wire?.watch(...flow);
    return () => {
      counted?.();
      this.#release(owner);
    };
  }

  #release(owner: string | undefined): void {
    this.#open--;
    if (owner === undefined) return;
    const count = this.#byAddress.get(owner)! - 1;
    if (count > 0) this.#byAddress.set(owner, count);
    else this.#byAddress.delete(owner);
  }
}

/** Who is counted for an address; nobody for this machine and unix sockets. */
function ownerOf(address: string | undefined): string | undefined {
  const ip = address === undefined ? undefined : plainIp(address);
  return ip === undefined || isLoopbackIp(ip) ? undefined : countedIp(ip);
}
