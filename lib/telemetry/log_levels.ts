/**
 * Which lines are written: a level for all modules, and levels of single modules that differ. They can change at any
 * time.
 *
 * @module
 */
import { SluiceError } from "../core/errors.ts";

/** Levels that a line can have, least important first. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

/** Level of a line. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What is let through: lines of this level and above, or nothing. */
export type LogThreshold = LogLevel | "silent";

/** Levels by module; `*` stands for all that have none of their own. */
export type ModuleLevels = Readonly<Record<string, LogThreshold>>;

/** Names the level of modules that have none of their own. */
export const EVERY_MODULE = "*";

const RANKS: Readonly<Record<LogThreshold, number>> = {
  ...{ trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 },
  silent: Infinity,
};
/** Modules that a level is remembered for. */
const MODULES_MAX = 256;
const MODULE_NAME = /^[a-z][\w-]{0,63}$/;

/** What one module lets through; looked up once, and always up to date. */
export interface ModuleGate {
  /** Least rank that passes. */
  rank: number;
}

/** Whether a line passes. */
export function passes(gate: ModuleGate, level: LogLevel): boolean {
  return RANKS[level] >= gate.rank;
}

/** Whether lines of this module show stacks of errors. */
export function showsStacks(gate: ModuleGate): boolean {
  return gate.rank <= RANKS.debug;
}

/** See the module. */
export class LevelTable {
  readonly #gates = new Map<string, ModuleGate>();
  readonly #own = new Map<string, LogThreshold>();
  #threshold: LogThreshold;
  /** Of lines that name no module. */
  readonly root: ModuleGate;

  constructor(threshold: LogThreshold) {
    this.#threshold = threshold;
    this.root = { rank: RANKS[threshold] };
  }

  /** What a module lets through. Beyond 256 modules it is what all let through, for lack of a place. */
  gateOf(module: string): ModuleGate {
    let gate = this.#gates.get(module);
    if (gate !== undefined) return gate;
    if (this.#gates.size >= MODULES_MAX) return this.root;
    gate = { rank: RANKS[this.#own.get(module) ?? this.#threshold] };
    this.#gates.set(module, gate);
    return gate;
  }

  /** Sets the level of all modules that have none of their own. */
  setThreshold(threshold: LogThreshold): void {
    this.#threshold = threshold;
    this.root.rank = RANKS[threshold];
    for (const [module, gate] of this.#gates) {
      if (!this.#own.has(module)) gate.rank = RANKS[threshold];
    }
  }

  /**
   * Sets the level of a module; `undefined` takes it back.
   *
   * @throws {SluiceError} no level, no name of a module, or too many of them
   */
  set(module: string, threshold: LogThreshold | undefined): void {
    if (threshold !== undefined && !Object.hasOwn(RANKS, threshold)) {
      throw new SluiceError(
        `Cannot set log level: ${JSON.stringify(threshold)} is none of ${
          Object.keys(RANKS).join(", ")
        }`,
      );
    }
    if (module === EVERY_MODULE) return this.setThreshold(threshold ?? "info");
    if (!MODULE_NAME.test(module)) {
      throw new SluiceError(`Cannot set log level: ${JSON.stringify(module)} is no module`);
    }
    if (threshold === undefined) this.#own.delete(module);
    else if (this.#own.size < MODULES_MAX || this.#own.has(module)) {
      this.#own.set(module, threshold);
    } else throw new SluiceError(`Cannot set log level: ${MODULES_MAX} modules have one already`);
    const gate = this.#gates.get(module);
    if (gate !== undefined) gate.rank = RANKS[threshold ?? this.#threshold];
  }

  /** Sets all levels of single modules anew. */
  setAll(levels: ModuleLevels): void {
    for (const module of [...this.#own.keys()]) this.set(module, undefined);
    for (const [module, threshold] of Object.entries(levels)) this.set(module, threshold);
  }

  /** Of every module that has logged or has a level, and of all others. */
  levels(): ModuleLevels {
    const modules = [...new Set([...this.#gates.keys(), ...this.#own.keys()])].toSorted();
    const of = (module: string) => [module, this.#own.get(module) ?? this.#threshold] as const;
    return { [EVERY_MODULE]: this.#threshold, ...Object.fromEntries(modules.map(of)) };
  }
}
