/**
 * Reads the configuration again when its file changes, or on SIGHUP, and applies it. SIGHUP begins files of logs
 * anew, too.
 *
 * @module
 */
import { type ConfigDifference, isEmpty } from "../lib/config/difference.ts";
import type { GatewayConfig } from "../lib/config/gateway_config.ts";
import { reasonOf, UsageError } from "../lib/core/errors.ts";
import type { Assembly } from "./assemble.ts";
import { ConfigWatch, contentDigest } from "./config_watch.ts";
import { oneLine } from "./errors.ts";
import { onHangUp } from "./process/hang_up.ts";

/** Reads the configuration with the flags and the environment of the start. */
export type LoadConfig = () => Promise<GatewayConfig>;

/** Somebody who keeps writing is given up after so many attempts to read what he means. */
const READS_MAX = 5;

/** Keeps a gateway to its configuration file, if it has one, and its logs to theirs, until it is disposed. */
export function startReloading(assembly: Assembly, load: LoadConfig): AsyncDisposable {
  const { file } = assembly.config;
  const reloading = file === undefined ? undefined : new Reloading(assembly, file, load);
  const watch = file === undefined ? undefined : new ConfigWatch(file, () => reloading?.reload());
  const hangUps = onHangUp(assembly.config, () => {
    void assembly.reopenLogs();
    reloading?.reload();
  });
  return {
    async [Symbol.asyncDispose]() {
      watch?.[Symbol.dispose]();
      hangUps[Symbol.dispose]();
      await reloading?.[Symbol.asyncDispose]();
    },
  };
}

/** One reload after the other; those that are asked for meanwhile are one. */
class Reloading implements AsyncDisposable {
  readonly #assembly: Assembly;
  readonly #file: string;
  readonly #load: LoadConfig;
  #running: Promise<void> | undefined;
  #isWanted = false;
  #isEnded = false;
  /** What has been told already. */
  #warnings: ReadonlySet<string>;

  constructor(assembly: Assembly, file: string, load: LoadConfig) {
    this.#assembly = assembly;
    this.#file = file;
    this.#load = load;
    this.#warnings = new Set(assembly.config.warnings);
  }

  reload(): void {
    this.#isWanted = true;
    this.#running ??= this.#run().finally(() => this.#running = undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#isEnded) {
      this.#isWanted = false;
      this.#assembly.metrics.configReloads.with({ outcome: await this.#once() }).inc();
    }
  }

  async #once(): Promise<"ok" | "refused" | "unchanged"> {
    const { log } = this.#assembly;
    try {
      const config = await this.#read();
      const difference = await this.#assembly.apply(config);
      this.#tell(config, difference);
      return isEmpty(difference) ? "unchanged" : "ok";
    } catch (error) {
      const advice = error instanceof UsageError ? `; ${error.advice}` : "";
      const reason = oneLine(`${reasonOf(error)}${advice}`);
      log.error("configuration refused, the old one stays", { reason });
      return "refused";
    }
  }

  /** What stood in the file from before it was read until after. */
  async #read(): Promise<GatewayConfig> {
    for (let reads = 1;; reads++) {
      const before = contentDigest(this.#file);
      const loaded = await this.#load().then((config) => ({ config }), (error) => ({ error }));
      if (contentDigest(this.#file) !== before && reads < READS_MAX) continue;
      if ("error" in loaded) throw loaded.error;
      return loaded.config;
    }
  }

  #tell({ warnings }: GatewayConfig, difference: ConfigDifference): void {
    const { log } = this.#assembly;
    for (const warning of warnings) {
      if (!this.#warnings.has(warning)) log.warn(warning);
    }
    this.#warnings = new Set(warnings);
    const { added, removed, changed, opened, closed, applied, restart } = difference;
    if (isEmpty(difference)) return log.info("configuration unchanged");
    if (restart.length > 0) log.warn(`needs a restart: ${restart.join(", ")}`);
    const addresses = (list: ConfigDifference["opened"]) => list.map(({ url }) => url.host);
    const parts = {
      ...{ added, removed, changed, applied },
      ...{ opened: addresses(opened), closed: addresses(closed) },
    };
    const told = Object.entries(parts).filter(([, list]) => list.length > 0);
    if (told.length > 0) log.info("configuration applied", Object.fromEntries(told));
  }
}
