/**
 * All tidy rules over the whole project.
 *
 * @module
 */
import {
  deadFiles,
  entryPoints,
  exactVersions,
  importMapVersions,
  layers,
} from "./import_rules.ts";
import { documentedExports, fileLength, functionLength, noBarrels } from "./shape_rules.ts";
import type { Offence, Rule, Source, Text } from "./source.ts";
import {
  noConsole,
  noExclusiveTests,
  noMachinePaths,
  nothingPostponed,
  tellingNames,
} from "./word_rules.ts";

const RULES: readonly Rule[] = [
  ...[layers, exactVersions, fileLength, functionLength, noBarrels, documentedExports],
  ...[tellingNames, nothingPostponed, noMachinePaths, noExclusiveTests, noConsole],
];

/** Every offence, in the order of the files: `path:line: rule: what`. */
export function verdict(sources: readonly Source[], texts: readonly Text[]): string[] {
  const denoJson = texts.find(({ path }) => path === "deno.json")?.text ?? "{}";
  const offences: Offence[] = [
    ...sources.flatMap((source) => RULES.flatMap((rule) => [...rule(source)])),
    ...deadFiles(sources, entryPoints(denoJson)),
    ...texts.flatMap((text) => [...noMachinePaths(text)]),
    ...importMapVersions(denoJson),
  ];
  return offences
    .sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line)
    .map(({ path, line, rule, what }) => `${path}:${line}: ${rule}: ${what}`);
}
