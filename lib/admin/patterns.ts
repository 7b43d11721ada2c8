/**
 * What the clients of a gateway look like together: how old they are, and which of them behave oddly.
 *
 * @module
 */
import { originOf } from "./client_record.ts";
import type { ClientView } from "./client_view.ts";

/** Somebody who opens sessions too often. */
export interface RapidOrigin {
  /** Principal or address. */
  readonly origin: string;
  readonly openingsPerMinute: number;
}

/** See the module. */
export interface Patterns {
  /** Clients with a session by its age. */
  readonly ages: Readonly<Record<string, number>>;
  /** Those older than was asked for, the oldest first. */
  readonly old: readonly ClientView[];
  readonly rapidReconnect: readonly RapidOrigin[];
  /** Whoever has many sessions that are hardly used. */
  readonly hoarding: readonly {
    readonly origin: string;
    readonly sessions: number;
    readonly idle: number;
  }[];
}

const AGES = [["0-1h", 1], ["1-6h", 6], ["6-24h", 24], ["24h+", Infinity]] as const;
/** From so many sessions on, if most of them are idle, somebody hoards. */
const HOARDED_SESSIONS = 20;
const HOARDED_IDLE_SHARE = 0.8;
/** A session is idle after so long without a word, s. */
const IDLE_S = 60;
const LISTED_MAX = 100;

/**
 * @param rapid whoever opens sessions too often
 * @param oldHours sessions older than this are listed
 */
export function patternsOf(
  views: readonly ClientView[],
  rapid: readonly RapidOrigin[],
  oldHours: number,
): Patterns {
  const sessions = views.filter(({ hasSession }) => hasSession);
  const ages: Record<string, number> = Object.fromEntries(AGES.map(([name]) => [name, 0]));
  for (const { ageS } of sessions) {
    const [name] = AGES.find(([, hours]) => ageS < hours * 3600)!;
    ages[name]++;
  }
  return {
    ages,
    old: sessions.filter(({ ageS }) => ageS >= oldHours * 3600)
      .toSorted((a, b) => b.ageS - a.ageS).slice(0, LISTED_MAX),
    rapidReconnect: rapid.slice(0, LISTED_MAX),
    hoarding: hoarding(sessions),
  };
}

function hoarding(sessions: readonly ClientView[]): Patterns["hoarding"] {
  const byOrigin = Map.groupBy(
    sessions,
    ({ principal, address }) =>
      address === undefined ? "unknown" : originOf({ principal, address }),
  );
  return [...byOrigin].map(([origin, views]) => ({
    origin,
    sessions: views.length,
    idle: views.filter(({ idleS, inFlight }) => inFlight === 0 && idleS >= IDLE_S).length,
  })).filter(({ sessions, idle }) =>
    sessions >= HOARDED_SESSIONS && idle / sessions >= HOARDED_IDLE_SHARE
  ).toSorted((a, b) => b.sessions - a.sessions).slice(0, LISTED_MAX);
}
