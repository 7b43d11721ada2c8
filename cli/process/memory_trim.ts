/**
 * Gives memory back to the system. Bytes of messages lie outside of V8's heap, so that their garbage waits for a
 * collection that comes late, and never when the load has ended; and glibc keeps what was freed between pieces
 * still in use: after 200 clients that never read 510 MB stayed resident, of which 90 were in use (Deno 2.9.6).
 *
 * @module
 */
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";
import { monotonicMs } from "../../lib/core/clock.ts";
import { TrimSchedule } from "./trim_schedule.ts";

const LOOK_MS = 500;
/**
 * Below so much of one core the process is quiet; with a large heap, which takes long to collect, only when hardly
 * anybody calls: 8,800 idle connections made it 0.2 s, and 500 calls/s beside them noticed.
 */
const QUIET_SHARE = 0.25, STILL_SHARE = 0.03;
const LARGE_HEAP_BYTES = 64 * 1024 * 1024;

/** Looks at the process now and then, and trims it when that may bring something; does nothing where there is no glibc. */
export function startTrimming(): Disposable {
  if (Deno.build.os !== "linux") return { [Symbol.dispose]() {} };
  const schedule = new TrimSchedule(Deno.memoryUsage().rss);
  let tools: [collect: () => void, trim: () => Promise<void>] | undefined;
  let lastMs = monotonicMs(), lastCpu = process.cpuUsage(), isBusy = false;
  const look = async () => {
    if (isBusy) return;
    const nowMs = monotonicMs(), { user, system } = process.cpuUsage(lastCpu);
    const share = (user + system) / 1000 / (nowMs - lastMs);
    lastMs = nowMs;
    lastCpu = process.cpuUsage();
    const { rss, external, heapUsed } = Deno.memoryUsage();
    const isQuiet = share < (heapUsed > LARGE_HEAP_BYTES ? STILL_SHARE : QUIET_SHARE);
    const act = schedule.next(nowMs, rss, external, isQuiet);
    if (act === undefined) return;
    isBusy = true;
    const [collect, trim] = tools ??= [loadCollect(), loadTrim()];
    if (act === "collect") collect();
    const collectMs = monotonicMs() - nowMs;
    await trim();
    schedule.done(monotonicMs(), Deno.memoryUsage().rss, collectMs);
    isBusy = false;
  };
  const timer = setInterval(look, LOOK_MS);
  Deno.unrefTimer(timer as unknown as number);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** V8's full collection, which only a context made under this flag has a name for. */
function loadCollect(): () => void {
  v8.setFlagsFromString("--expose-gc");
  const collect: unknown = vm.runInNewContext("globalThis.gc");
  v8.setFlagsFromString("--no-expose-gc");
  return typeof collect === "function" ? () => void collect() : () => {};
}

/** `malloc_trim`, on a thread of its own; nothing where the C library has none (musl) or FFI is not allowed. */
function loadTrim(): () => Promise<void> {
  try {
    const { symbols } = Deno.dlopen("libc.so.6", {
      malloc_trim: { parameters: ["usize"], result: "i32", nonblocking: true },
    });
    return async () => void await symbols.malloc_trim(0n);
  } catch {
    return () => Promise.resolve();
  }
}
