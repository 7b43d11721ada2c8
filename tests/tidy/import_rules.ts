/**
 * Who may import whom (ARCHITECTURE.md, "Import rules"), and which specifiers are allowed at all.
 *
 * @module
 */
import ts from "typescript";
import { lineOf, nodesOf, type Offence, type Rule, type Source } from "./source.ts";

const CORE = ["lib/core"];
const FOUNDATIONS = ["config", "framing", "telemetry", "shm", "store"].map((name) => `lib/${name}`);
const FEATURES = [
  ...["session", "era", "auth", "policy", "cache", "upstream", "cluster", "router", "control"],
  ...["admin", "client", "bench", "workers"],
].map((name) => `lib/${name}`);
/** They alone see transports. `cli/wiring` is what `cli/assemble.ts` is made of. */
const WIRING = ["cli/assemble.ts", "cli/wiring", "cli/workers", "cli/bench/dial.ts"];
const COMMAND_LINE = ["main.ts", "cli", ...WIRING, "deno.json"];
const EVERYTHING = [
  ...[...CORE, ...FOUNDATIONS, ...FEATURES, "lib/gateway.ts", "transports"],
  ...COMMAND_LINE,
];

/** Area of the project -> areas that it may import besides itself. Tests, benches and the build may import anything. */
const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  ["lib/core", []],
  ...FOUNDATIONS.map((area) => [area, CORE] as const),
  ...FEATURES.map((area) => [area, [...CORE, ...FOUNDATIONS]] as const),
  ["lib/gateway.ts", [...CORE, ...FOUNDATIONS, ...FEATURES]],
  ["transports", [...CORE, "lib/framing", "lib/telemetry"]],
  ["cli", [
    ...[...CORE, "lib/bench", "lib/config", "lib/shm", "lib/telemetry"],
    ...["cli/assemble.ts", "cli/bench/dial.ts", "cli/workers", "deno.json"],
  ]],
  ...WIRING.map((file) => [file, EVERYTHING] as const),
  ["main.ts", ["cli", "deno.json"]],
]);
const UNRESTRICTED = new Set(["tests", "bench", "compiled", "packaging"]);

/** Data that a file embeds or writes is nobody's layer. */
const MODULE = /(\.[jt]s|^deno\.json)$/;
const EXACT_NPM = /^npm:\/?(@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+(-[\w.]+)?(\/.*)?$/;

/** Imports go downward only. */
export const layers: Rule = function* (source) {
  const area = areaOf(source.path);
  if (UNRESTRICTED.has(area)) return;
  const allowed = MAY_IMPORT.get(area);
  if (allowed === undefined) {
    yield offence(source, 1, "layers", `${area} is no known place for source`);
    return;
  }
  for (const { target, line } of source.imports) {
    if (target === undefined || !MODULE.test(target)) continue;
    const targetArea = areaOf(target);
    if (targetArea === area || allowed.includes(targetArea)) continue;
    yield offence(source, line, "layers", `${area} must not import ${target}`);
  }
};

/** Packages come from the npm registry, in exact versions: in imports, and wherever a text starts with `npm:`. */
export const exactVersions: Rule = function* (source) {
  for (const { specifier, line } of source.imports) {
    if (/^(jsr|https?):/.test(specifier)) {
      yield offence(source, line, "npm-only", `${specifier} is not on the npm registry`);
    }
  }
  for (const node of nodesOf(source.tree)) {
    if (!ts.isStringLiteralLike(node) || !/^npm:./.test(node.text)) continue;
    if (EXACT_NPM.test(node.text)) continue;
    yield offence(source, lineOf(node), "npm-exact", `${node.text} names no exact version`);
  }
};

/** The import map of deno.json holds exact npm versions only. */
export function* importMapVersions(denoJson: string): Generator<Offence> {
  const imports: Record<string, string> = JSON.parse(denoJson).imports ?? {};
  const lines = denoJson.split("\n");
  for (const [name, specifier] of Object.entries(imports)) {
    if (EXACT_NPM.test(specifier)) continue;
    const line = lines.findIndex((text) => text.includes(`"${name}":`)) + 1;
    const what = `${name} -> ${specifier} names no exact npm version`;
    yield { path: "deno.json", line, rule: "npm-exact", what };
  }
}

/**
 * Modules of lib/, transports/ and cli/ that no entry point reaches. Tests do not keep a module alive.
 *
 * @param entries paths of the entry points; folders end with `/`
 */
export function* deadFiles(sources: readonly Source[], entries: readonly string[]) {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const isEntry = (path: string) =>
    entries.some((entry) => entry.endsWith("/") ? path.startsWith(entry) : path === entry);
  const waiting = [...byPath.keys()].filter(isEntry);
  const reached = new Set(waiting);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target === undefined || reached.has(target)) continue;
      reached.add(target);
      waiting.push(target);
    }
  }
  for (const source of sources) {
    if (!/^(lib|transports|cli)\//.test(source.path) || reached.has(source.path)) continue;
    yield offence(source, 1, "dead-file", "no entry point reaches this module");
  }
}

/** The entry points that deno.json names in its tasks and exports, plus folders of their own. */
export function entryPoints(denoJson: string): string[] {
  const { tasks = {}, exports = {} } = JSON.parse(denoJson);
  const named = JSON.stringify([tasks, exports]).match(/[\w./-]+\.ts\b/g) ?? [];
  return ["main.ts", "bench/", "compiled/", ...named.map((path) => path.replace(/^\.\//, ""))];
}

function areaOf(path: string): string {
  const wiring = WIRING.find((place) => path === place || path.startsWith(`${place}/`));
  if (wiring !== undefined) return wiring;
  const parts = path.split("/");
  return parts[0] === "lib" ? parts.slice(0, 2).join("/") : parts[0];
}

function offence(source: Source, line: number, rule: string, what: string): Offence {
  return { path: source.path, line, rule, what };
}
