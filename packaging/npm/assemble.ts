/**
 * Makes the npm packages out of compiled programs: `sluice`, and one package for each platform. Nothing is published.
 *
 *     deno run -A packaging/npm/assemble.ts --out DIR linux-x64=compiled/out/sluice [linux-arm64=PATH ...]
 *
 * @module
 */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import manifest from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SCOPE = "@sluice-mcp";
/** Node's names: `process.platform`-`process.arch`. */
const PLATFORM = /^(linux|darwin|win32)-(x64|arm64)$/;
/** What every package says of itself. */
const COMMON = {
  version: manifest.version,
  license: manifest.license,
  description: "MCP gateway: fast, safe and unbreakable hops between MCP clients and servers",
};

/** A compiled program for one platform. */
interface Program {
  readonly platform: string;
  readonly path: string;
}

/** Writes `DIR/sluice` and `DIR/PLATFORM` for each program. */
async function assemble(out: string, programs: readonly Program[]): Promise<void> {
  for (const { platform, path } of programs) {
    await checkSum(path);
    await platformPackage(join(out, platform), platform, path);
  }
  await mainPackage(join(out, "sluice"), programs.map(({ platform }) => platform));
}

async function mainPackage(folder: string, platforms: readonly string[]): Promise<void> {
  const source = join(ROOT, "packaging", "npm", "sluice");
  await Deno.mkdir(join(folder, "bin"), { recursive: true });
  await copyProgram(join(source, "bin", "sluice.js"), join(folder, "bin", "sluice.js"));
  await Deno.copyFile(join(source, "README.md"), join(folder, "README.md"));
  await writeManifest(folder, {
    name: "sluice",
    ...COMMON,
    type: "module",
    bin: { sluice: "bin/sluice.js" },
    files: ["bin"],
    engines: { node: ">=20" },
    optionalDependencies: Object.fromEntries(
      platforms.map((platform) => [`${SCOPE}/${platform}`, manifest.version]),
    ),
  });
}

async function platformPackage(folder: string, platform: string, path: string): Promise<void> {
  const [os, cpu] = platform.split("-");
  const name = os === "win32" ? "sluice.exe" : "sluice";
  await Deno.mkdir(join(folder, "bin"), { recursive: true });
  await copyProgram(path, join(folder, "bin", name));
  await writeManifest(folder, {
    name: `${SCOPE}/${platform}`,
    ...COMMON,
    os: [os],
    cpu: [cpu],
    // The program of Linux needs glibc: npm leaves it out on others.
    ...os === "linux" ? { libc: ["glibc"] } : {},
    files: ["bin"],
  });
}

async function writeManifest(folder: string, content: Record<string, unknown>): Promise<void> {
  await Deno.copyFile(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  await Deno.writeTextFile(join(folder, "package.json"), `${JSON.stringify(content, null, 2)}\n`);
}

async function copyProgram(from: string, to: string): Promise<void> {
  await Deno.copyFile(from, to);
  await Deno.chmod(to, 0o755);
}

/** @throws {Error} a program that is not what was compiled */
async function checkSum(path: string): Promise<void> {
  const [expected] = (await Deno.readTextFile(`${path}.sha256`)).split(" ");
  const bytes = await Deno.readFile(path);
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  if (found !== expected) {
    throw new Error(`Cannot assemble ${basename(path)}: its SHA-256 is not that of its .sha256`);
  }
}

function read(args: string[]): { out: string; programs: Program[] } {
  const { values, positionals } = parseArgs({
    args,
    options: { out: { type: "string" } },
    allowPositionals: true,
  });
  const programs = positionals.map((text) => {
    const at = text.indexOf("=");
    const platform = text.slice(0, at), path = text.slice(at + 1);
    if (at < 0 || !PLATFORM.test(platform)) {
      throw new Error(
        `Cannot assemble ${text}: give PLATFORM=PATH, as linux-x64=compiled/out/sluice`,
      );
    }
    return { platform, path };
  });
  if (values.out === undefined || programs.length === 0) {
    throw new Error("Cannot assemble: give --out DIR, and PLATFORM=PATH for each program");
  }
  return { out: values.out, programs };
}

if (import.meta.main) {
  try {
    const { out, programs } = read(Deno.args);
    await assemble(out, programs);
    for (const { platform, path } of programs) console.log(`${SCOPE}/${platform}: ${path}`);
    console.log(`sluice ${manifest.version}: ${join(out, "sluice")}`);
  } catch (thrown) {
    console.error(`assemble: ${(thrown as Error).message}`);
    Deno.exit(1);
  }
}
