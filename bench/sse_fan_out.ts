/**
 * Fan-out over HTTP+SSE: every event goes to 1000 streams (DESIGN: 100k events/s, p99 < 30 ms). Run it alone:
 * `deno run -A bench/sse_fan_out.ts [streams] [events per second and stream] [seconds]`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { notification } from "../lib/core/compose.ts";
import type { Batch } from "../lib/core/connection.ts";
import { SseTransport } from "../transports/sse/transport.ts";

const [streams = 1000, rate = 100, seconds = 5] = Deno.args.map(Number);
const SUBSCRIBERS = fileURLToPath(
  new URL("../tests/fixtures/sse_subscribers.ts", import.meta.url),
);

const listener = await new SseTransport().listen(
  { url: new URL("http://127.0.0.1:0") },
  new AbortController().signal,
);
const writers: WritableStreamDefaultWriter<Batch>[] = [];
const accepting = (async () => {
  for await (const connection of listener) writers.push(connection.writable.getWriter());
})();

const child = new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", SUBSCRIBERS, String(listener.http.port), String(streams)],
  stdin: "piped",
  stdout: "piped",
}).spawn();
const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
await lines.read(); // all are open

const cpuBefore = cpuMs();
const startMs = performance.now();
let sent = 0;
while (sent < rate * seconds) {
  const dueMs = startMs + sent * 1000 / rate;
  const waitMs = dueMs - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  const t = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const batch = [notification("notifications/message", { level: "info", t, data: "x".repeat(60) })];
  for (const writer of writers) void writer.write(batch);
  sent++;
}
const elapsedS = (performance.now() - startMs) / 1000;
const cpu = cpuMs() - cpuBefore;
await new Promise((resolve) => setTimeout(resolve, 500)); // the last ones are under way
await child.stdin.close();
const figures = JSON.parse((await lines.read()).value!);
console.log({
  streams: writers.length,
  eventsPerSecond: Math.round(figures.events / elapsedS),
  expected: sent * streams,
  ...figures,
  serverCpuUsPerEvent: Math.round(cpu * 1000 / figures.events * 100) / 100,
});
await listener[Symbol.asyncDispose]();
listener.http.destroyConnections();
await accepting;

/** CPU time of this process so far, ms. */
function cpuMs(): number {
  const fields = Deno.readTextFileSync("/proc/self/stat").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
