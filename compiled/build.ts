/**
 * Builds the one-file program: bundle, compile, checksum, smoke test. `deno task compile [ENTRY]` writes
 * `compiled/out/sluice` and `compiled/out/sluice.sha256`.
 *
 * Bundling comes first because `deno compile` alone embeds whole npm packages: 113 MB and 132 ms to
 * `--version` instead of 93 MB and 20 ms. The bundle is split where the source says `await import()`, so a
 * subcommand loads only what it needs.
 *
 * @module
 */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { measureStart, smokeTest } from "./smoke.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUT = join(ROOT, "compiled", "out");
const BUNDLE = join(OUT, "bundle");
const PROGRAM = join(OUT, Deno.build.os === "windows" ? "sluice.exe" : "sluice");

/** The Deno that goes with the base binary of `DENORT_BIN`: a base works only with its own minor version. */
const DENO_OF_GIVEN_BASE = "deno@2.6.8";

const BUNDLE_FLAGS = [
  "--quiet",
  // Never --keep-names: it hides `require("node:...")` from Deno, and CommonJS packages fail at run time
  // with `Dynamic require of "node:process" is not supported` (seen with commander and pino, 2.9.6).
  "--minify",
  "--code-splitting",
];

const COMPILE_FLAGS = [
  "--quiet",
  "--allow-all",
  "--no-config",
  "--no-check",
  // The code cache is a file in the shared temporary folder under a foreseeable name, read whoever wrote it.
  // Without it `--version` takes as long as with it, a command that loads 300 KB 7 ms longer.
  "--no-code-cache",
];

async function build(entry: string): Promise<void> {
  await Deno.remove(OUT, { recursive: true }).catch(ignoreMissing);
  await Deno.mkdir(BUNDLE, { recursive: true });
  try {
    await bundle(entry);
    await compile(basename(entry).replace(/\.ts$/, ".js"));
  } finally {
    await Deno.remove(BUNDLE, { recursive: true });
  }
  await writeChecksum();
  const version: string = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))).version;
  for (const line of await smokeTest(PROGRAM, version)) report("smoke", line);
  const startMs = await measureStart(PROGRAM);
  report("start", `--version in ${startMs.toFixed(0)} ms (median of 5)`);
}

async function bundle(entry: string): Promise<void> {
  const args = ["bundle", ...BUNDLE_FLAGS, "--outdir", BUNDLE, entry];
  await run("bundle", Deno.execPath(), args, ROOT);
  const sizes = [...Deno.readDirSync(BUNDLE)].map(({ name }) =>
    Deno.statSync(join(BUNDLE, name)).size
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  report("bundle", `${sizes.length} files, ${kilobytes(total)}`);
}

async function compile(bundledEntry: string): Promise<void> {
  const args = ["compile", ...COMPILE_FLAGS, "--output", PROGRAM, bundledEntry];
  if (Deno.env.get("DENORT_BIN") === undefined) {
    report("compile", `by Deno ${Deno.version.deno}, its own base binary`);
    await run("compile", Deno.execPath(), args, BUNDLE).catch(adviseBase);
  } else {
    report("compile", `by npm's ${DENO_OF_GIVEN_BASE} on the base binary of DENORT_BIN`);
    await run("compile", "npx", ["-y", DENO_OF_GIVEN_BASE, ...args], BUNDLE);
  }
}

async function writeChecksum(): Promise<void> {
  const program = await Deno.readFile(PROGRAM);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", program)).toHex();
  await Deno.writeTextFile(`${PROGRAM}.sha256`, `${digest}  ${basename(PROGRAM)}\n`);
  report("program", `${PROGRAM}, ${kilobytes(program.length)}, sha256 ${digest}`);
}

async function run(step: string, program: string, args: string[], cwd: string): Promise<void> {
  const { success, code } = await new Deno.Command(program, { args, cwd, stdin: "null" }).spawn()
    .status;
  if (!success) throw new Error(`Cannot ${step}: ${program} ended with status ${code}`);
}

function adviseBase(thrown: unknown): never {
  throw new Error(
    `${
      (thrown as Error).message
    }; where the base binary cannot be downloaded, name one in DENORT_BIN`,
  );
}

function ignoreMissing(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}

function report(step: string, text: string): void {
  console.log(`${step.padEnd(8)} ${text}`);
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000).toLocaleString("en")} kB`;
}

if (import.meta.main) {
  try {
    await build(Deno.args[0] ?? "main.ts");
  } catch (thrown) {
    console.error(`build: ${(thrown as Error).message}`);
    Deno.exit(1);
  }
}
