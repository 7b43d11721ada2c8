/**
 * Network addresses of clients, as limits count them.
 *
 * @module
 */

const OPEN_BRACKET = 0x5b, ZERO = 0x30, NINE = 0x39;

/**
 * The IP address in a peer's address, which may have a port: `10.0.0.1:5123`, `[::1]:5123`, `::1`; `undefined`
 * for what is none (`stdin`, `unix socket`).
 */
export function ipOf(address: string): string | undefined {
  if (address.charCodeAt(0) === OPEN_BRACKET) {
    return plainIp(address.slice(1, address.indexOf("]")));
  }
  const colon = address.indexOf(":");
  if (colon >= 0 && address.indexOf(":", colon + 1) >= 0) return plainIp(address);
  const first = address.charCodeAt(0);
  if (!(first >= ZERO && first <= NINE)) return undefined;
  return colon < 0 ? address : address.slice(0, colon);
}

/** `::ffff:10.0.0.1`, as a dual-stack socket names it, is `10.0.0.1`. */
export function plainIp(ip: string): string {
  return ip.includes(".") ? ip.replace(/^::ffff:/i, "") : ip;
}

/** Whether an IP address is of this machine. */
export function isLoopbackIp(ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1";
}

/** Taking an IPv6 address apart takes 0.8 us; so many are remembered. */
const NETWORKS_MAX = 10_000;
const networks = new Map<string, string>();

/** Who is counted for an IP address: an IPv4 address, or an IPv6 network of 64 bits. */
export function countedIp(ip: string): string {
  if (!ip.includes(":")) return ip;
  let network = networks.get(ip);
  if (network === undefined) {
    if (networks.size >= NETWORKS_MAX) networks.clear();
    networks.set(ip, network = networkOf(ip));
  }
  return network;
}

/** The first 64 bits: whoever has an IPv6 address usually has all of its network. */
function networkOf(ip: string): string {
  const [head, tail] = ip.toLowerCase().split("%")[0].split("::");
  const groups = head === "" ? [] : head.split(":");
  const tailGroups = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + tailGroups.length < 8) groups.push("0");
  return [...groups, ...tailGroups].slice(0, 4).join(":");
}
