/**
 * The cache: what a hit costs, who answers how many of the reads of a Zipf distribution (s = 1.1) over 1,000
 * resources, whether a bloom filter would help, and what a proxy adds to a cached answer. `deno task bench:cache`;
 * `--quick` leaves the proxy out.
 *
 * @module
 */
import process from "node:process";
import { request, result } from "../lib/core/compose.ts";
import type { Handler } from "../lib/core/handler.ts";
import type { Message } from "../lib/core/message.ts";
import { idBytes } from "../lib/core/message_id.ts";
import { MemoryCache } from "../lib/cache/memory_cache.ts";
import { ResponseCache } from "../lib/cache/response_cache.ts";
import { FakeCall, FakeSession } from "../tests/fixtures/cache_scene.ts";
import { zipfShares } from "../tests/fixtures/cache_zipf.ts";
import { measureProxy } from "./cache_proxy.ts";

const RUNS = 7;
const SESSION = new FakeSession();
const DECLARED = { ttlMs: 3_600_000, cacheScope: "public" };

function cacheOf(): ResponseCache {
  return new ResponseCache({
    name: "bench",
    memory: new MemoryCache({ bytesMax: 10 << 20, entriesMax: 10_000 }),
    ...{ assumedMs: 1000, toldMs: 300_000, declaredMsMax: 3_600_000 },
    ...{ isPerSession: false, isToldIdentity: false },
    count: () => {},
  });
}

/** Microseconds of CPU of one of many, median of some runs. */
function cpuOf(rounds: number, act: (count: number) => unknown): string {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const { user } = process.cpuUsage();
    for (let count = 0; count < rounds; count++) act(count);
    times.push((process.cpuUsage().user - user) / rounds);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1].toFixed(2);
}

function toolList(tools: number) {
  const description = "d".repeat(640), inputSchema = { type: "object" };
  return Array.from({ length: tools }, (_, n) => ({ name: `tool_${n}`, description, inputSchema }));
}

async function measureHits(): Promise<void> {
  console.log(`one hit of the first tier, microseconds of CPU, median of ${RUNS} runs`);
  const read = request(1, "resources/read", { uri: "file:///resources/number-1.md" });
  const list = request(1, "tools/list", {});
  const contents = (bytes: number) => ({ contents: [{ uri: "x", text: "t".repeat(bytes) }] });
  const cases: [string, Message, object][] = [
    ["resources/read, 200 bytes", read, contents(100)],
    ["resources/read, 1.5 KB", read, contents(1400)],
    ["resources/read, 8 KB", read, contents(8000)],
    ["tools/list, 353 tools, 250 KB", list, { tools: toolList(353) }],
  ];
  for (const [name, message, value] of cases) {
    const upstream: Handler = ({ message }) =>
      Promise.resolve(result(message.id!, { ...value, ...DECLARED }));
    const handle = cacheOf().policy(upstream);
    const calls = Array.from(
      { length: 64 },
      (_, id) => new FakeCall(message.withId(idBytes(id)), SESSION),
    );
    await handle(calls[0]);
    const rounds = message === list ? 20_000 : 200_000;
    console.log(`  ${name.padEnd(36)} ${cpuOf(rounds, (count) => handle(calls[count & 63]))}`);
  }
}

async function measureHitRates(): Promise<void> {
  console.log("\nZipf s = 1.1 over 1,000 resources that say nothing, 10 s by a simulated clock");
  console.log(" reads/s    L1 (1 s)  L2 (10 s)   upstream");
  for (const rate of [1_000, 10_000, 100_000]) {
    for (const hasExport of [true, false]) {
      const { l1, l2, upstream } = await zipfShares(rate, hasExport);
      const shares = [l1, l2, upstream].map((part) => `${(100 * part).toFixed(2)} %`.padStart(10));
      const tiers = hasExport ? "with an export" : "memory only";
      console.log(`${String(rate).padStart(8)} ${shares.join(" ")}  ${tiers}`);
    }
  }
}

/** A lookup of what is not there, as it is, and behind a filter of two bits of a FNV-1a hash. */
function measureNegativeLookups(): void {
  console.log("\na lookup of what is not there among 10,000, microseconds of CPU");
  const keyOf = (n: number) =>
    `bench\nresources/read\n\n{"uri":"file:///resources/number-${n}.md"}{}`;
  const map = new Map(Array.from({ length: 10_000 }, (_, n) => [keyOf(n), n]));
  const bits = new Uint8Array(1 << 14);
  for (const key of map.keys()) {
    const hash = fnv(key);
    bits[(hash >>> 3) & 0x3fff] |= 1 << (hash & 7);
    bits[(hash >>> 17) & 0x3fff] |= 1 << ((hash >>> 14) & 7);
  }
  const absent = Array.from({ length: 1 << 16 }, (_, n) => keyOf(10_000 + n));
  const filtered = (key: string) => {
    const hash = fnv(key);
    if ((bits[(hash >>> 3) & 0x3fff] & 1 << (hash & 7)) === 0) return undefined;
    if ((bits[(hash >>> 17) & 0x3fff] & 1 << ((hash >>> 14) & 7)) === 0) return undefined;
    return map.get(key);
  };
  const rounds = 1_000_000;
  console.log(`  map alone      ${cpuOf(rounds, (count) => map.get(absent[count & 0xffff]))}`);
  console.log(`  bloom filter   ${cpuOf(rounds, (count) => filtered(absent[count & 0xffff]))}`);
}

function fnv(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

await measureHits();
measureNegativeLookups();
await measureHitRates();
if (!Deno.args.includes("--quick")) await measureProxy();
