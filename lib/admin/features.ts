/**
 * Optimisations that can be turned on for a share of the clients, watched while they are, and taken back by
 * themselves when these clients fare worse than the others.
 *
 * @module
 */
import { identityOf } from "../core/account.ts";
import { ipOf } from "../core/client_address.ts";
import { SluiceError } from "../core/errors.ts";
import type { Call, Policy } from "../core/handler.ts";
import { isServiceError } from "../telemetry/watch/outcomes.ts";
import { isWorse } from "./degradation.ts";
import { isInShare } from "./stable_share.ts";

/** Optimisations that can be turned off; all are on where nothing is said. */
export const FEATURES = ["cache", "hedging", "retries"] as const;

/** One of {@link FEATURES}. */
export type Feature = typeof FEATURES[number];

/** Who has said what is in force. */
export type FeatureSource = "default" | "config" | "operator" | "roll-back";

/** Answers of the clients with an optimisation, or of those without. */
interface Group {
  calls: number;
  errors: number;
}

/** How an optimisation stands. */
export interface FeatureState {
  readonly name: Feature;
  /** Share of the clients that have it. */
  readonly percent: number;
  readonly source: FeatureSource;
  /** Since that share is in force; counted only while it is neither 0 nor 100. */
  readonly on: Readonly<Group>;
  readonly off: Readonly<Group>;
}

/** Hooks of {@link Features}. */
export interface FeatureEvents {
  /** Another share is in force. */
  changed?(state: FeatureState): void;
  /** A call of a client that takes part in a roll-out. */
  counted?(name: Feature, group: "on" | "off", isError: boolean): void;
}

interface State {
  readonly name: Feature;
  percent: number;
  source: FeatureSource;
  on: Group;
  off: Group;
}

/** Groups are compared whenever so many calls more have been counted. */
const COMPARE_EVERY = 50;
/** Beyond so many calls the past counts half. */
const CALLS_MAX = 100_000;

/** See the module. */
export class Features {
  readonly #events: FeatureEvents;
  readonly #states: ReadonlyMap<string, State>;
  #settings: Readonly<Record<string, boolean | number>> = {};
  /** Those that some clients have and others have not. */
  #partial: State[] = [];

  constructor(settings: Readonly<Record<string, boolean | number>>, events: FeatureEvents = {}) {
    this.#events = events;
    this.#states = new Map(FEATURES.map((name) => [name, {
      ...{ name, percent: 100, source: "default" },
      ...{ on: nobody(), off: nobody() },
    }]));
    this.configure(settings);
  }

  /** Takes over settings; what they do not change stays as operators or a roll-back have left it. */
  configure(settings: Readonly<Record<string, boolean | number>>): void {
    for (const state of this.#states.values()) {
      const { [state.name]: wanted } = settings, { [state.name]: before } = this.#settings;
      if (wanted === before) continue;
      this.#put(state, percentOf(wanted ?? true), wanted === undefined ? "default" : "config");
    }
    this.#settings = settings;
  }

  /**
   * Puts another share in force, until the configuration says something else.
   *
   * @param percent 0 to 100
   * @throws {SluiceError} there is no such optimisation, or no such share
   */
  set(name: string, percent: number): void {
    const state = this.#states.get(name);
    if (state === undefined) {
      throw new SluiceError(`Cannot set ${name}: the features are ${FEATURES.join(", ")}`);
    }
    if (!(percent >= 0 && percent <= 100)) {
      throw new SluiceError(`Cannot set ${name}: the share is a number from 0 to 100`);
    }
    this.#put(state, percent, "operator");
  }

  /** How every optimisation stands. */
  list(): FeatureState[] {
    return [...this.#states.values()].map((state) => structuredClone(state));
  }

  /** Names in settings that mean nothing. */
  static unknownIn(settings: Readonly<Record<string, unknown>>): string[] {
    return Object.keys(settings).filter((name) => !(FEATURES as readonly string[]).includes(name));
  }

  /** Whether the client of a call has an optimisation. */
  isOn(name: Feature, call: Call): boolean {
    const state = this.#states.get(name)!;
    const { percent } = state;
    if (percent === 100) return true;
    return percent > 0 && isInShare(name, clientKey(call), percent);
  }

  /** A policy that only clients have who have an optimisation. */
  policy(name: Feature, policy: Policy): Policy {
    return (next) => {
      const optimised = policy(next);
      return (call) => this.isOn(name, call) ? optimised(call) : next(call);
    };
  }

  /** Takes note of an answer; costs nothing while no optimisation is on for a part of the clients. */
  answered(call: Call, outcome: string): void {
    for (const state of this.#partial) {
      const group = this.isOn(state.name, call) ? "on" : "off";
      const counts = state[group];
      const isError = isServiceError(outcome);
      counts.calls++;
      if (isError) counts.errors++;
      this.#events.counted?.(state.name, group, isError);
      if ((state.on.calls + state.off.calls) % COMPARE_EVERY === 0) this.#compare(state);
    }
  }

  #compare(state: State): void {
    if (isWorse(state.on, state.off)) return this.#put(state, 0, "roll-back");
    if (state.on.calls + state.off.calls < CALLS_MAX) return;
    state.on = halved(state.on);
    state.off = halved(state.off);
  }

  #put(state: State, percent: number, source: FeatureSource): void {
    const hasChanged = state.percent !== percent;
    state.percent = percent;
    state.source = source;
    if (hasChanged && source !== "roll-back") {
      state.on = nobody();
      state.off = nobody();
    }
    this.#partial = [...this.#states.values()]
      .filter(({ percent }) => percent > 0 && percent < 100);
    if (hasChanged) this.#events.changed?.(structuredClone(state));
  }
}

function nobody(): Group {
  return { calls: 0, errors: 0 };
}

function halved({ calls, errors }: Group): Group {
  return { calls: Math.round(calls / 2), errors: Math.round(errors / 2) };
}

function percentOf(setting: boolean | number): number {
  return typeof setting === "number" ? setting : setting ? 100 : 0;
}

/** What stays the same for a client: who it is, else its session, else where it comes from. */
function clientKey(call: Call): string {
  const principal = identityOf(call)?.principal;
  if (principal !== undefined) return principal;
  if (!call.session.isSessionless) return call.session.id;
  return ipOf(call.request.address) ?? call.request.address;
}
