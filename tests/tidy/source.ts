/**
 * The project's source as the tidy rules see it: paths, text, syntax trees and what each file imports.
 *
 * @module
 */
import ts from "typescript";

/** One line of the verdict. */
export interface Offence {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly what: string;
}

/** A reference from one file to another, or to a package. */
export interface Import {
  /** As written. */
  readonly specifier: string;
  /** Path inside the project, when the specifier is relative. */
  readonly target: string | undefined;
  readonly line: number;
}

/** One source file. */
export interface Source {
  /** Relative to the project, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

/** A rule looks at one file. */
export type Rule = (source: Source) => Iterable<Offence>;

/** A text file that is not source: documents, scripts, configuration. */
export interface Text {
  readonly path: string;
  readonly text: string;
}

const SOURCE_NAME = /\.(ts|js|mjs)$/;
const TEXT_NAME = /\.(md|jsonc?|ya?ml|toml|sh|html|css)$|^\.ci\//;
const FOLDERS_NOT_OURS = new Set([".git", "node_modules", ".cache", "coverage", "compiled/out"]);

/** Parses a file. The text may come from memory. */
export function parseSource(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, text, tree, imports: [...importsOf(path, tree)] };
}

/** Reads the project: what is source, and what is other text. */
export function readProject(root: string): { sources: Source[]; texts: Text[] } {
  const sources: Source[] = [];
  const texts: Text[] = [];
  for (const path of filePaths(root, "")) {
    if (SOURCE_NAME.test(path)) {
      sources.push(parseSource(path, Deno.readTextFileSync(`${root}/${path}`)));
    } else if (TEXT_NAME.test(path)) {
      texts.push({ path, text: Deno.readTextFileSync(`${root}/${path}`) });
    }
  }
  return { sources, texts };
}

/** Line of a node, counted from 1; comments before it do not count. */
export function lineOf(node: ts.Node): number {
  const tree = node.getSourceFile();
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

/** A node and everything below it. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}

function* filePaths(root: string, folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(`${root}/${folder}`)) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (FOLDERS_NOT_OURS.has(path) || entry.name === "node_modules") continue;
    if (entry.isDirectory) yield* filePaths(root, path);
    else if (entry.isFile) yield path;
  }
}

function* importsOf(path: string, tree: ts.SourceFile): Generator<Import> {
  for (const node of nodesOf(tree)) {
    const literal = specifierOf(node);
    if (literal === undefined) continue;
    const specifier = literal.text;
    yield { specifier, target: resolve(path, specifier), line: lineOf(literal) };
  }
}

/** The specifier in `import`, `export from`, `import()`, `import("x").T`, `import.meta.resolve()` and `new URL("./x", import.meta.url)`. */
function specifierOf(node: ts.Node): ts.StringLiteralLike | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    return literalOf(node.moduleSpecifier);
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return literalOf(node.argument.literal);
  }
  if (ts.isCallExpression(node)) {
    const isDynamicImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
    const isResolve = node.expression.getText() === "import.meta.resolve";
    return isDynamicImport || isResolve ? literalOf(node.arguments[0]) : undefined;
  }
  if (ts.isNewExpression(node) && node.expression.getText() === "URL") {
    const base = node.arguments?.[1]?.getText();
    return base === "import.meta.url" ? literalOf(node.arguments?.[0]) : undefined;
  }
  return undefined;
}

function literalOf(node: ts.Node | undefined): ts.StringLiteralLike | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node : undefined;
}

function resolve(from: string, specifier: string): string | undefined {
  if (!/^\.{0,2}\//.test(specifier)) return undefined;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}
