/**
 * YAML 1.2.
 *
 * @module
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { DocumentLines, type KeyPath, type Parsed, SyntaxFault } from "./document_lines.ts";

/** Expansions of one alias: `yaml` refuses documents that multiply beyond it. */
const ALIAS_COUNT_MAX = 100;

/**
 * Parses one YAML document and notes the line of every key.
 *
 * @throws {SyntaxFault} not YAML, several documents, a key given twice, or aliases that multiply
 */
export function parseYaml(text: string): Parsed {
  const counter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: counter,
    prettyErrors: false,
    logLevel: "silent",
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = Math.max(1, counter.linePos(error.pos[0]).line);
    throw new SyntaxFault(`it is not YAML: ${error.message.split("\n")[0]}`, line);
  }
  const lines = new DocumentLines();
  note(document.contents, [], lines, (offset) => Math.max(1, counter.linePos(offset).line));
  try {
    return { value: document.toJS({ maxAliasCount: ALIAS_COUNT_MAX }), lines };
  } catch (thrown) {
    if (!(thrown instanceof ReferenceError)) throw thrown;
    throw new SyntaxFault(`it is not YAML: ${thrown.message.split("\n")[0]}`, 1);
  }
}

function note(
  node: unknown,
  path: KeyPath,
  lines: DocumentLines,
  lineOf: (offset: number) => number,
): void {
  if (isAlias(node)) return;
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      const at = [...path, String(isScalar(key) ? key.value : key)];
      const range = (key as Node).range;
      if (range) lines.set(at, lineOf(range[0]));
      note(value, at, lines, lineOf);
    }
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      const at = [...path, index];
      const range = (item as Node).range;
      if (range) lines.set(at, lineOf(range[0]));
      note(item, at, lines, lineOf);
    }
  }
}
