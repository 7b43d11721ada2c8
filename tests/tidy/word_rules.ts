/**
 * Words and names that do not belong into the project.
 *
 * @module
 */
import ts from "typescript";
import { lineOf, nodesOf, type Offence, type Rule, type Text } from "./source.ts";

const NAMES_THAT_SAY_NOTHING = /^(.+[_-])?(utils?|helpers?|common|misc)$/;
// Spelt so that this file does not contain them.
const POSTPONED = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`);
const MACHINE_PATH = /(^|[^\w.])\/(work|home|root)\//;

/** Files and folders are named after what they hold. */
export const tellingNames: Rule = function* ({ path }) {
  for (const part of path.split("/")) {
    const stem = part.replace(/\..*$/, "").replace(/_(test|bench)$/, "");
    if (!NAMES_THAT_SAY_NOTHING.test(stem)) continue;
    yield { path, line: 1, rule: "name", what: `"${part}" says nothing about its content` };
  }
};

/** Nothing is postponed by a comment. */
export const nothingPostponed: Rule = ({ path, text }) =>
  linesWith(POSTPONED, { path, text }, "postponed", (word) => `"${word}": do it or leave it out`);

/** Nothing depends on the layout of one machine. Works on any text. */
export function noMachinePaths(text: Text): Iterable<Offence> {
  return linesWith(
    MACHINE_PATH,
    text,
    "machine-path",
    (path) => `${path.trim()} exists on one machine`,
  );
}

/** No test is run at the expense of all others. */
export const noExclusiveTests: Rule = function* ({ path, tree }) {
  for (const node of nodesOf(tree)) {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) continue;
    if (node.expression.name.text !== "only") continue;
    const what = `${node.expression.getText()}(...) hides all other tests`;
    yield { path, line: lineOf(node), rule: "exclusive-test", what };
  }
};

/** The library logs through its logger: stdout belongs to the protocol. */
export const noConsole: Rule = function* ({ path, tree }) {
  if (!/^(lib|transports)\//.test(path)) return;
  for (const node of nodesOf(tree)) {
    if (!ts.isPropertyAccessExpression(node)) continue;
    if (!/^(globalThis\.)?console$/.test(node.expression.getText())) continue;
    yield { path, line: lineOf(node), rule: "console", what: `${node.getText()} in library code` };
  }
};

function* linesWith(
  pattern: RegExp,
  { path, text }: Text,
  rule: string,
  say: (match: string) => string,
): Generator<Offence> {
  for (const [index, line] of text.split("\n").entries()) {
    const match = pattern.exec(line);
    if (match !== null) yield { path, line: index + 1, rule, what: say(match[0]) };
  }
}
