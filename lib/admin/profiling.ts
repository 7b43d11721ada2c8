/**
 * Profiles that an operator has asked for, written on the machine of the gateway.
 *
 * @module
 */
import { cpuProfile, heapSnapshot, writePrivately } from "../telemetry/profiler.ts";
import { flameGraph } from "../telemetry/profiler_flame.ts";
import { frameTree, type TopFunction, topFunctions } from "../telemetry/profiler_tree.ts";
import type { GatewayView } from "./gateway_view.ts";

/** What was written. */
export interface Profiled {
  readonly pid: number;
  /** Files on the machine of the gateway; only its user may read them. */
  readonly files: readonly string[];
  /** Of a heap snapshot. */
  readonly bytes?: number;
  /** Of a CPU profile: where most time went. */
  readonly top?: readonly TopFunction[];
  /** Time in which something ran, ms. */
  readonly busyMs?: number;
  /** The flame graph itself, where it was asked for. */
  readonly svg?: string;
}

/** Profiles for so many seconds; writes the profile and its flame graph. */
export async function profileCpu(
  view: GatewayView,
  seconds: number,
  inline: boolean,
): Promise<Profiled> {
  const profile = await cpuProfile(seconds);
  const root = frameTree(profile);
  const svg = flameGraph(root, `sluice ${view.version}, process ${Deno.pid}, ${seconds} s`);
  const folder = folderOf(view);
  return {
    pid: Deno.pid,
    files: [
      await writePrivately(folder, "svg", svg),
      await writePrivately(folder, "cpuprofile", JSON.stringify(profile)),
    ],
    top: topFunctions(root),
    busyMs: Math.round(root.totalUs / 1000),
    ...inline && { svg },
  };
}

/** Writes a heap snapshot. It never leaves the machine: every secret of the process is in it. */
export async function profileHeap(view: GatewayView): Promise<Profiled> {
  const { file, bytes } = await heapSnapshot(folderOf(view));
  return { pid: Deno.pid, files: [file], bytes };
}

function folderOf(view: GatewayView): string {
  return view.profileFolder() || (Deno.env.get("TMPDIR") ?? (Deno.env.get("TEMP") ?? "/tmp"));
}
