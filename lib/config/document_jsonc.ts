/**
 * JSON with comments and trailing commas.
 *
 * @module
 */
import { type Node, parseTree, printParseErrorCode } from "jsonc-parser";
import {
  DocumentLines,
  type KeyPath,
  lineFinder,
  type Parsed,
  SyntaxFault,
} from "./document_lines.ts";

/**
 * Parses JSONC and notes the line of every key.
 *
 * @throws {SyntaxFault} not JSONC, or a key given twice
 */
export function parseJsonc(text: string): Parsed {
  const lineOf = lineFinder(text);
  const errors: { error: number; offset: number; length: number }[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false });
  if (errors.length > 0 || root === undefined) {
    const [first] = errors;
    const why = first === undefined ? "ValueExpected" : printParseErrorCode(first.error);
    throw new SyntaxFault(`it is not JSON: ${spaced(why)}`, lineOf(first?.offset ?? 0));
  }
  const lines = new DocumentLines();
  return { value: valueOf(root, [], lines, lineOf), lines };
}

/** `CommaExpected` as `comma expected`. */
function spaced(code: string): string {
  return code.replace(/[A-Z]/g, (letter, at) => (at > 0 ? " " : "") + letter.toLowerCase());
}

/** Built by hand because `parse` of jsonc-parser lets a key `__proto__` set the prototype. */
function valueOf(
  node: Node,
  path: KeyPath,
  lines: DocumentLines,
  lineOf: (offset: number) => number,
): unknown {
  if (node.type === "array") {
    return (node.children ?? []).map((child, index) => {
      const at = [...path, index];
      lines.set(at, lineOf(child.offset));
      return valueOf(child, at, lines, lineOf);
    });
  }
  if (node.type !== "object") return node.value;
  const entries = (node.children ?? []).map((property): [string, unknown] => {
    const [key, value] = property.children ?? [];
    const at = [...path, String(key.value)];
    const line = lineOf(key.offset);
    if (lines.has(at)) {
      throw new SyntaxFault(
        `the key ${JSON.stringify(key.value)} is given twice`,
        line,
        "keep one",
      );
    }
    lines.set(at, line);
    return [String(key.value), valueOf(value, at, lines, lineOf)];
  });
  return Object.fromEntries(entries);
}
