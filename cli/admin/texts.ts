/**
 * Answers of a gateway as tables for a terminal. What clients have chosen never reaches it unfiltered.
 *
 * @module
 */
import Table from "cli-table3";
import type { Overview } from "../../lib/telemetry/overview.ts";
import { oneLine } from "../errors.ts";

type Cell = string | number | undefined;

/** JSON of a gateway. */
// deno-lint-ignore no-explicit-any -- told apart by the routes; a gateway of another version may say more
type Answer = any;

/** How the gateway does. */
export function statsText(overview: Overview): string {
  const { rates, latency, connections, process, capacity, objectives } = overview;
  const times = latency.count === 0
    ? "no answers"
    : `p50 ${ms(latency.p50Ms)}, p95 ${ms(latency.p95Ms)}, p99 ${ms(latency.p99Ms)}`;
  const open = Object.entries(connections.byTransport).map(([name, n]) => `${n} ${name}`).join(
    ", ",
  );
  return table(["GATEWAY", `LAST ${overview.windowS.toFixed(0)} S`], [
    ["requests", `${number(rates.requestsPerS)}/s`],
    ["errors", `${number(rates.errorsPerS)}/s, ${percent(rates.errorShare)}`],
    ["latency", times],
    ["traffic", `${bytes(rates.bytesInPerS)}/s in, ${bytes(rates.bytesOutPerS)}/s out`],
    ["connections", `${connections.total}${open === "" ? "" : `: ${open}`}`],
    ["sessions", connections.sessions],
    ["processes", `${process.workers} gateway, ${connections.children} children`],
    ["processor", `${process.cpuCores.toFixed(2)} cores`],
    ["memory", `${bytes(process.residentBytes)}, heap ${bytes(process.heapUsedBytes)}`],
    ["up", age(process.uptimeS)],
    ...capacity.map(({ resource, ratio, isOver }) => [
      `capacity: ${resource}`,
      `${percent(ratio)}${isOver ? ", too much" : ""}`,
    ]),
    ...objectives.map(({ objective, compliance, target }) => [
      `objective: ${objective}`,
      `${percent(compliance)} of ${percent(target)}${compliance < target ? ", missed" : ""}`,
    ]),
  ]);
}

/** Who is connected. */
export function connectionsText({ connections, known, clients }: Answer): string {
  const head = ["CLIENT", "WHO", "TRANSPORT", "FROM", "AGE", "IDLE", "OPEN", "CALLS", "ERRORS"];
  const lines = clients.map((one: Answer) => [
    one.client,
    one.principal ?? one.clientId ?? one.software,
    one.transport,
    one.address,
    ...[age(one.ageS), age(one.idleS), one.inFlight, one.calls, one.errors],
  ]);
  const note = `${connections.total} connections, ${connections.sessions} sessions; ` +
    `${clients.length} of ${known} clients\n`;
  return lines.length === 0 ? note : table(head, lines) + note;
}

/** What stands out. */
export function patternsText({ ages, old, rapidReconnect, hoarding }: Answer): string {
  const parts = [table(["AGE", "SESSIONS"], Object.entries(ages) as [string, number][])];
  if (old.length > 0) {
    parts.push(table(
      ["OLD CLIENT", "FROM", "AGE", "IDLE"],
      old.map((one: Answer) => [one.client, one.address, age(one.ageS), age(one.idleS)]),
    ));
  }
  if (rapidReconnect.length > 0) {
    parts.push(table(
      ["RECONNECTS TOO OFTEN", "PER MINUTE"],
      rapidReconnect.map((one: Answer) => [one.origin, one.openingsPerMinute]),
    ));
  }
  if (hoarding.length > 0) {
    parts.push(table(
      ["HOARDS SESSIONS", "SESSIONS", "IDLE"],
      hoarding.map((one: Answer) => [one.origin, one.sessions, one.idle]),
    ));
  }
  if (rapidReconnect.length + hoarding.length === 0) parts.push("nobody stands out\n");
  return parts.join("");
}

/** The latest calls of a client. */
export function traceText({ clients }: Answer): string {
  return clients.map((one: Answer) => {
    const calls = one.trace ?? [];
    const who = oneLine([one.client, one.principal, one.address].filter(Boolean).join(" "));
    if (!one.traced) return `${who}: not traced, too many clients are\n`;
    if (calls.length === 0) return `${who}: traced from now on; ask again to see its calls\n`;
    const lines = calls.map((call: Answer) => [
      ...[clock(call.atMs), call.method, call.name, ms(call.durationMs), call.outcome],
    ]);
    return table([`CALLS OF ${one.client}`, "METHOD", "NAME", "TIME", "OUTCOME"], lines);
  }).join("");
}

/** The latest errors. */
export function errorsText({ errors }: Answer): string {
  if (errors.length === 0) return "no errors\n";
  return table(
    ["TIME", "CLIENT", "WHO", "METHOD", "NAME", "OUTCOME", "AFTER"],
    errors.map((one: Answer) => [
      ...[clock(one.atMs), one.client, one.principal ?? one.address, one.method, one.name],
      ...[one.outcome, ms(one.durationMs)],
    ]),
  );
}

/** Circuit breakers. */
export function breakersText({ breakers }: Answer): string {
  if (breakers.length === 0) return "no breakers\n";
  return table(["UPSTREAM", "CIRCUIT"], breakers.map((one: Answer) => [one.upstream, one.state]));
}

/** Pools. */
export function poolsText({ pools }: Answer): string {
  if (pools.length === 0) return "no pools\n";
  return table(
    ["UPSTREAM", "MEMBERS"],
    pools.map(({ upstream, byState }: Answer) => [
      upstream,
      Object.entries(byState).map(([state, count]) => `${count} ${state}`).join(", "),
    ]),
  );
}

/** What a cleanup did. */
export function cleanupText({ ended, idleS }: Answer): string {
  return `${ended} sessions ended that were idle for ${idleS} s\n`;
}

/** Levels of the log. */
export function levelsText({ levels }: Answer): string {
  return table(["COMPONENT", "LEVEL"], Object.entries(levels) as [string, string][]);
}

/** Optimisations. */
export function featuresText({ features }: Answer): string {
  const group = ({ calls, errors }: Answer) => calls === 0 ? "-" : `${calls}, ${errors} errors`;
  return table(
    ["FEATURE", "CLIENTS", "BECAUSE OF", "CALLS WITH", "CALLS WITHOUT"],
    features.map((one: Answer) => [
      ...[one.name, `${one.percent} %`, one.source, group(one.on), group(one.off)],
    ]),
  );
}

/** Whether something keeps growing. */
export function leaksText({ processes }: Answer): string {
  return processes.map(({ verdict, spanS, trends }: Answer) => {
    const said = verdict ?? "too early to say: it takes five minutes";
    if (trends.length === 0) return `${said}\n`;
    return table(
      [`OVER ${age(spanS)}`, "FIRST", "LAST", "PER HOUR", "FIT", ""],
      trends.map((one: Answer) => {
        const shown = one.signal.endsWith("Bytes") ? bytes : number;
        return [
          ...[one.signal, shown(one.first), shown(one.last), shown(one.slopePerHour)],
          ...[one.fit.toFixed(2), one.isSuspicious ? "GROWS" : ""],
        ];
      }),
    ) + `${said}\n`;
  }).join("");
}

/** What was profiled, and where it is. */
export function profileText({ processes }: Answer): string {
  return processes.map(({ pid, files, top = [], bytes: size }: Answer) => {
    const lines = top.slice(0, 12).map((one: Answer) => [
      ...[percent(one.selfShare), one.name, one.place],
    ]);
    const written = files.map((file: string) => `written ${oneLine(file)}`).join("\n");
    const note = size === undefined ? written : `${written}, ${bytes(size)}: it holds every secret`;
    const head = lines.length === 0 ? "" : table([`PROCESS ${pid}`, "FUNCTION", "PLACE"], lines);
    return `${head}${note}\n`;
  }).join("");
}

function table(head: readonly string[], lines: readonly (readonly Cell[])[]): string {
  const made = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const line of lines) made.push(line.map((cell) => oneLine(String(cell ?? ""))));
  return `${made}\n`;
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value === 0 ? 0 : 1);
}

function ms(value: number): string {
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(2)} ms`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 || share > 0.99 ? 2 : 0)} %`;
}

function bytes(value: number): string {
  const size = Math.abs(value);
  if (size < 1000) return `${value.toFixed(0)} B`;
  if (size < 1e6) return `${(value / 1e3).toFixed(1)} kB`;
  return size < 1e9 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(2)} GB`;
}

function age(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  return seconds < 172_800
    ? `${(seconds / 3600).toFixed(1)} h`
    : `${(seconds / 86_400).toFixed(1)} d`;
}

function clock(atMs: number): string {
  return new Date(atMs).toLocaleTimeString("en-GB");
}
