/**
 * The official conformance suite as a child process, its results as a table.
 *
 * @module
 */

/** The suite of the MCP project; the requirement sets are frozen per protocol version. */
const SUITE = "npm:@modelcontextprotocol/conformance@0.2.0-alpha.12";
/** The first use downloads the package. */
const DOWNLOAD_MS = 120_000;
/** A whole set takes about 3 s when all is well; a scenario that hangs ends after 30 s. */
const RUN_MS = 180_000;

/** The suite says its first line within a second or two; a download is told, too. */
const START_MS = 45_000;
const STARTS_MAX = 3;

/** Protocol versions with a set of required scenarios. */
export type Requirements = "2025-11-25" | "2026-07-28";

/** How a scenario went. */
export interface ScenarioResult {
  readonly scenario: string;
  /** Whether the set counts it; the others are run for information. */
  readonly isRequired: boolean;
  readonly status: "passed" | "failed";
  /** Every check that failed, with the suite's reason; a client's last words at the end. */
  readonly failures: readonly string[];
}

interface Run {
  readonly requirements: Requirements;
  /** Ends the suite early. */
  readonly signal?: AbortSignal;
}

/** Why the suite cannot be run here, `undefined` when it can; downloads it on first use. */
export async function suiteAbsence(): Promise<string | undefined> {
  try {
    const { code, stderr } = await suite(["list"], AbortSignal.timeout(DOWNLOAD_MS));
    return code === 0 ? undefined : stderr.trim();
  } catch (error) {
    return String(error);
  }
}

/**
 * Runs the server scenarios of a set against an endpoint.
 *
 * @throws {Error} with what the suite said when it came to no summary
 */
export function runConformance(
  { url, ...run }: Run & { readonly url: URL },
): Promise<ScenarioResult[]> {
  return table(["server", "--url", url.href], run);
}

/**
 * Runs the client scenarios of a set, all at once. The suite appends a URL to the command and splits it at
 * its spaces.
 *
 * @param options.timeoutMs of one scenario, its wait for others included
 * @throws {Error} with what the suite said when it came to no summary
 */
export function runClientConformance(
  { command, timeoutMs = 30_000, ...run }: Run & {
    readonly command: string;
    readonly timeoutMs?: number;
  },
): Promise<ScenarioResult[]> {
  return table(["client", "--command", command, "--timeout", String(timeoutMs)], run);
}

async function table(args: string[], { requirements, signal }: Run): Promise<ScenarioResult[]> {
  const folder = await Deno.makeTempDir({ prefix: "conformance-" });
  try {
    const deadline = AbortSignal.timeout(RUN_MS);
    const { stdout, stderr } = await suite(
      [...args, "--requirements", requirements, "--output-dir", folder],
      signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    );
    const [, summary, unscored = ""] =
      /=== (?:SUITE )?SUMMARY ===\n([^]*?)\nTotal:[^\n]*\n([^]*)/.exec(stdout) ?? [];
    if (summary === undefined) {
      throw new Error(`Cannot read the results of the suite: ${stdout}${stderr}`);
    }
    const others = [...unscored.matchAll(/^ {2}[✓✗] (\S+) \(/gm)].map(([, name]) => name);
    return await Promise.all(
      [...summary.matchAll(/^([✓✗]) (\S+): /gm)].map(async ([, mark, scenario]) => ({
        scenario,
        isRequired: !others.includes(scenario),
        status: mark === "✓" ? "passed" : "failed",
        failures: mark === "✓" ? [] : await failuresIn(folder, scenario),
      } as const)),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the suite. Deno 2.9.6 now and then never gets past its own start with a package (all three of its
 * threads wait for a futex, 0.0 s of CPU after minutes; about 1 of 40): such a process, and no other, has said
 * nothing and is started again.
 */
async function suite(args: string[], signal: AbortSignal): Promise<Output> {
  for (let start = 1;; start++) {
    const output = await startSuite(args, signal);
    if (output !== undefined) return output;
    console.error(`conformance: Deno hung at its start ${start} of the suite`);
    if (start === STARTS_MAX) throw new Error("Cannot run the suite: Deno hangs at its start");
  }
}

/** `undefined` when it said nothing for so long that it cannot have started. */
async function startSuite(args: string[], signal: AbortSignal): Promise<Output | undefined> {
  const silence = new AbortController();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "--no-lock", SUITE, ...args],
    signal: AbortSignal.any([signal, silence.signal]),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => silence.abort(), START_MS);
  const heard = () => clearTimeout(timer);
  const [stdout, stderr, { code }] = await Promise.all([
    textFrom(child.stdout, heard),
    textFrom(child.stderr, heard),
    child.status,
  ]).finally(heard);
  signal.throwIfAborted();
  return silence.signal.aborted ? undefined : { code, stdout, stderr };
}

async function textFrom(stream: ReadableStream<Uint8Array>, heard: () => void): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    heard();
    text += chunk;
  }
  return text;
}

/** The suite writes `[server-]SCENARIO-TIME/checks.json`, where the scenario may contain a slash. */
async function failuresIn(folder: string, scenario: string): Promise<string[]> {
  const name = scenario.split("/").at(-1)!;
  const group = `${folder}/${scenario.slice(0, -name.length)}`;
  for await (const entry of Deno.readDir(group)) {
    const stem = entry.name.replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, "");
    if (stem !== name && stem !== `server-${name}`) continue;
    const checks = JSON.parse(await textOf(`${group}/${entry.name}/checks.json`) || "[]") as {
      id: string;
      status: string;
      description: string;
      errorMessage?: string;
    }[];
    const failed = checks.filter(({ status }) => /^(FAILURE|WARNING)$/.test(status));
    const words = (await textOf(`${group}/${entry.name}/stderr.txt`)).trim().split("\n").at(-1)!;
    return [
      ...failed.map(({ id, errorMessage, description }) => `${id}: ${errorMessage ?? description}`),
      ...words === "" ? [] : [words],
      ...checks.length > 0 ? [] : ["The suite itself could not run it"],
    ];
  }
  return ["The suite wrote nothing about it"];
}

/** Empty without the file. */
async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
