/**
 * A list of addresses and networks.
 *
 * @module
 */
import net from "node:net";

/** Answers that are remembered: looking one up takes 3 us. */
const REMEMBERED_MAX = 10_000;

/** Addresses, and networks as `address/bits`. */
export class NetworkList {
  readonly #networks = new net.BlockList();
  readonly #remembered = new Map<string, boolean>();
  /** Whether nothing is on it. */
  readonly isEmpty: boolean;

  /** @throws {RangeError} what is neither an address nor a network */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const network of networks) this.#add(network);
  }

  /** Whether an IP address is on it, or in a network that is. */
  has(ip: string): boolean {
    if (this.isEmpty) return false;
    const known = this.#remembered.get(ip);
    if (known !== undefined) return known;
    const family = net.isIP(ip);
    const isThere = family !== 0 && this.#networks.check(ip, family === 4 ? "ipv4" : "ipv6");
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(ip, isThere);
    return isThere;
  }

  #add(network: string): void {
    const [address, bits] = network.split("/");
    const family = net.isIP(address);
    const bitsMax = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? bitsMax : Number(bits);
    if (family === 0 || !(prefix >= 0 && prefix <= bitsMax)) {
      throw new RangeError(`Cannot list ${network}: it is no address and no network`);
    }
    this.#networks.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  }
}
