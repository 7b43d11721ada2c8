/**
 * Addresses and principals that are not served.
 *
 * @module
 */
import { ipOf } from "../core/client_address.ts";
import { NetworkList } from "../core/network_list.ts";

/** Who is on the list. */
export interface DenySettings {
  /** Addresses, and networks as `address/bits`. */
  readonly addresses: readonly string[];
  readonly principals: readonly string[];
}

/** Can be exchanged while the gateway runs. */
export class DenyList {
  #networks!: NetworkList;
  #principals!: ReadonlySet<string>;

  /** @throws {RangeError} what is neither an address nor a network */
  constructor(settings: DenySettings) {
    this.configure(settings);
  }

  /**
   * Another list from now on.
   *
   * @throws {RangeError} what is neither an address nor a network; then it stays as it was
   */
  configure({ addresses, principals }: DenySettings): void {
    this.#networks = new NetworkList(addresses);
    this.#principals = new Set(principals);
  }

  /** Whether nobody is on it. */
  get isEmpty(): boolean {
    return this.#networks.isEmpty && this.#principals.size === 0;
  }

  /** Whether an address, with or without its port, is on the list. */
  hasAddress(address: string): boolean {
    if (this.#networks.isEmpty) return false;
    const ip = ipOf(address);
    return ip !== undefined && this.#networks.has(ip);
  }

  /** Whether a principal is on the list. */
  hasPrincipal(principal: string): boolean {
    return this.#principals.has(principal);
  }
}
