/**
 * Which addresses a server may have us connect to by what it says in its metadata: a public server must
 * not make the gateway speak to this machine or to the private network around it (SSRF).
 *
 * @module
 */
import { BlockList, isIP } from "node:net";

/** Where an address leads; `nowhere` is never connected to. */
export type Reach = "public" | "private" | "loopback" | "nowhere";

/** Networks by where they lead; what is in none of them is public. IPv6 is public only in 2000::/3. */
const NETWORKS: readonly (readonly [Reach, readonly string[]])[] = [
  ["loopback", ["127.0.0.0/8", "::1/128"]],
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]],
  ["nowhere", [
    ...["0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"],
    ...["198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
    // Teredo, documentation, 6to4: each can hold any IPv4 address, or stands for none.
    ...["2001::/32", "2001:db8::/32", "2002::/16"],
  ]],
];

const LISTS = NETWORKS.map(([reach, networks]) => [reach, listOf(networks)] as const);
const GLOBAL_UNICAST = listOf(["2000::/3"]);
/** NAT64: IPv4 addresses for networks that only have IPv6. */
const NAT64 = listOf(["64:ff9b::/96"]);
const MAPPED = listOf(["::ffff:0:0/96"]);

/** Where an IP address leads. */
export function reachOf(address: string): Reach {
  const plain = address.replace(/%.*$/, "");
  const family = isIP(plain);
  if (family === 0) return "nowhere";
  if (family === 6 && MAPPED.check(plain, "ipv6")) return reachOf(embedded(plain));
  if (family === 6 && NAT64.check(plain, "ipv6")) {
    return reachOf(embedded(plain)) === "public" ? "public" : "nowhere";
  }
  for (const [reach, list] of LISTS) {
    if (list.check(plain, family === 4 ? "ipv4" : "ipv6")) return reach;
  }
  return family === 4 || GLOBAL_UNICAST.check(plain, "ipv6") ? "public" : "nowhere";
}

/** Whether the host of a URL is this machine by its name alone: nothing has to be resolved to know. */
export function isThisMachine(url: URL): boolean {
  const host = hostOf(url);
  return host === "localhost" || host.endsWith(".localhost") || reachOf(host) === "loopback";
}

/** Host of a URL: a name, or an address without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, bits] = network.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

/** The IPv4 address in the last 32 bits. */
function embedded(address: string): string {
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (dotted !== null) return dotted[1];
  const { hostname } = new URL(`http://[${address}]/`);
  const [high, low] = words(hostname.slice(1, -1)).slice(-2);
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}

/** All 8 words of an address as URLs write it. */
function words(address: string): number[] {
  const [head, tail] = address.split("::").map((part) =>
    part === "" ? [] : part.split(":").map((word) => parseInt(word, 16))
  );
  if (tail === undefined) return head;
  return [...head, ...new Array(8 - head.length - tail.length).fill(0), ...tail];
}
