/**
 * A CPU profile as a tree with times, and which functions take most of it.
 *
 * @module
 */
import type { CpuProfile, ProfileNode } from "./profiler.ts";

/** A function below those that called it. */
export interface Frame {
  readonly name: string;
  /** File and line, as far as they are known. */
  readonly place: string;
  /** In it and in what it calls, us. */
  readonly totalUs: number;
  /** In it alone, us. */
  readonly selfUs: number;
  /** The longest first. */
  readonly children: readonly Frame[];
}

/** One function, wherever it was called from. */
export interface TopFunction {
  readonly name: string;
  readonly place: string;
  /** Share of the time that the process was busy, 0 to 1. */
  readonly selfShare: number;
  readonly selfMs: number;
}

/** Time in which nothing ran. */
const IDLE = new Set(["(idle)", "(program)"]);
/** The profiler itself: it starts for 70 ms and more. */
const PROFILER = /deno_node\/inspector\.[jt]s$|^node:inspector$/;

/** The tree of a profile, without the time in which nothing ran. */
export function frameTree(profile: CpuProfile): Frame {
  const selfUs = new Map<number, number>();
  profile.samples.forEach((id, i) => {
    selfUs.set(id, (selfUs.get(id) ?? 0) + Math.max(0, profile.timeDeltas[i]));
  });
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const build = (node: ProfileNode): Frame => {
    const children = (node.children ?? []).map((id) => byId.get(id)!)
      .filter(({ callFrame }) => !IDLE.has(callFrame.functionName) && !PROFILER.test(callFrame.url))
      .map(build).filter(({ totalUs }) => totalUs > 0)
      .toSorted((a, b) => b.totalUs - a.totalUs);
    const own = selfUs.get(node.id) ?? 0;
    return {
      name: node.callFrame.functionName || "(anonymous)",
      place: placeOf(node),
      selfUs: own,
      totalUs: children.reduce((sum, { totalUs }) => sum + totalUs, own),
      children,
    };
  };
  const root = build(profile.nodes[0]);
  return { ...root, name: "all", place: "" };
}

/** The functions in which most time was spent. */
export function topFunctions(root: Frame, max = 20): TopFunction[] {
  const byFunction = new Map<string, { name: string; place: string; selfUs: number }>();
  const visit = (frame: Frame) => {
    const key = `${frame.name} ${frame.place}`;
    const known = byFunction.get(key) ?? { name: frame.name, place: frame.place, selfUs: 0 };
    known.selfUs += frame.selfUs;
    byFunction.set(key, known);
    frame.children.forEach(visit);
  };
  root.children.forEach(visit);
  return [...byFunction.values()].toSorted((a, b) => b.selfUs - a.selfUs).slice(0, max)
    .filter(({ selfUs }) => selfUs > 0)
    .map(({ name, place, selfUs }) => ({
      ...{ name, place },
      selfShare: root.totalUs === 0 ? 0 : selfUs / root.totalUs,
      selfMs: selfUs / 1000,
    }));
}

/** The last two parts of the path are enough for a person. */
function placeOf({ callFrame: { url, lineNumber } }: ProfileNode): string {
  if (url === "") return "";
  const short = url.split("/").slice(-2).join("/");
  return lineNumber < 0 ? short : `${short}:${lineNumber + 1}`;
}
