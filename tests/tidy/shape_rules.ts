/**
 * How large files and functions may be, what a file may consist of, and what must be documented.
 *
 * @module
 */
import ts from "typescript";
import { lineOf, nodesOf, type Rule } from "./source.ts";

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;

/** No file over 300 lines. */
export const fileLength: Rule = function* ({ path, text }) {
  const count = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (count <= FILE_LINES_MAX) return;
  const what = `${count} lines, at most ${FILE_LINES_MAX}`;
  yield { path, line: FILE_LINES_MAX + 1, rule: "file-length", what };
};

/**
 * No function over 70 lines. A test inside a function (a contract suite registers many) counts for itself, not
 * for the function around it.
 */
export const functionLength: Rule = function* ({ path, tree }) {
  for (const node of nodesOf(tree)) {
    if (!isFunction(node)) continue;
    const count = lineCount(node) - registeredTestLines(node);
    if (count <= FUNCTION_LINES_MAX) continue;
    const what = `${nameOf(node)} has ${count} lines, at most ${FUNCTION_LINES_MAX}`;
    yield { path, line: lineOf(node), rule: "function-length", what };
  }
};

/** No file that only passes on what others export. */
export const noBarrels: Rule = function* ({ path, tree }) {
  const exports = tree.statements.filter((node) =>
    ts.isExportDeclaration(node) || ts.isExportAssignment(node)
  );
  const others = tree.statements.filter((node) =>
    !ts.isExportDeclaration(node) && !ts.isImportDeclaration(node) &&
    !(ts.isExportAssignment(node) && ts.isIdentifier(node.expression))
  );
  if (exports.length === 0 || others.length > 0) return;
  yield { path, line: 1, rule: "barrel", what: "this file only re-exports" };
};

/** Every exported symbol says what it is. */
export const documentedExports: Rule = function* ({ path, tree }) {
  const exportedNames = new Set(tree.statements.flatMap(localExportNames));
  const documented = new Set<string>();
  for (const node of tree.statements) {
    const names = declaredNames(node);
    if (hasTsDoc(node)) names.forEach((name) => documented.add(name));
    for (const name of names) {
      if (!isExported(node) && !exportedNames.has(name)) continue;
      if (documented.has(name)) continue;
      documented.add(name); // overloads: one line each
      yield {
        path,
        line: lineOf(node),
        rule: "tsdoc",
        what: `${name} is exported without a comment`,
      };
    }
  }
};

function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
}

function lineCount(node: ts.Node): number {
  const tree = node.getSourceFile();
  const { line: last } = tree.getLineAndCharacterOfPosition(node.getEnd());
  return last + 2 - lineOf(node);
}

/** Lines of the outermost `Deno.test(...)` and `t.step(...)` calls inside a function. */
function registeredTestLines(node: ts.Node): number {
  let count = 0;
  ts.forEachChild(node, (child) => {
    const callee = ts.isCallExpression(child) ? child.expression.getText() : "";
    count += /^(Deno\.test|\w+\.step)$/.test(callee)
      ? lineCount(child)
      : registeredTestLines(child);
  });
  return count;
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  const holder = ts.isVariableDeclaration(node.parent) || ts.isPropertyAssignment(node.parent)
    ? node.parent
    : node;
  if (ts.isConstructorDeclaration(node)) return "the constructor";
  return holder.name?.getText() ?? "a function";
}

function isExported(node: ts.Statement): boolean {
  if (ts.isExportAssignment(node)) return true;
  return ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false);
}

/** `a` and `b` of `export { a, b as c }`; nothing for re-exports. */
function localExportNames(node: ts.Statement): string[] {
  if (!ts.isExportDeclaration(node) || node.moduleSpecifier !== undefined) return [];
  if (node.exportClause === undefined || !ts.isNamedExports(node.exportClause)) return [];
  return node.exportClause.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
}

function declaredNames(node: ts.Statement): string[] {
  if (ts.isVariableStatement(node)) {
    return node.declarationList.declarations.map(({ name }) => name.getText());
  }
  if (ts.isExportAssignment(node)) {
    return ts.isIdentifier(node.expression) ? [] : ["the default export"];
  }
  const isDeclaration = ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node) || ts.isModuleDeclaration(node);
  return isDeclaration ? [node.name?.getText() ?? "the default export"] : [];
}

/** The comment that describes the whole file does not describe its first statement. */
function hasTsDoc(node: ts.Statement): boolean {
  return ts.getJSDocCommentsAndTags(node).some((doc) =>
    ts.isJSDoc(doc) && (doc.comment !== undefined || doc.tags !== undefined) &&
    !doc.tags?.some((tag) => tag.tagName.text === "module")
  );
}
