/**
 * What can be asked of a gateway: how one process answers, and how the answers of several become one.
 *
 * @module
 */
import type { LogThreshold } from "../telemetry/logger.ts";
import { PROFILE_S_MAX } from "../telemetry/profiler.ts";
import type { LeakReport } from "../telemetry/profiler_leaks.ts";
import { type ClientView, clientViews, isNamed } from "./client_view.ts";
import type { TracedCall } from "./client_record.ts";
import { type ClientError, type LiveSession } from "./clients.ts";
import type { FeatureState } from "./features.ts";
import type { GatewayView } from "./gateway_view.ts";
import type { RapidOrigin } from "./patterns.ts";
import { profileCpu, type Profiled, profileHeap } from "./profiling.ts";

/** A client that was named, with its latest calls where it is traced. */
export interface NamedClient extends ClientView {
  /** Newest first. */
  readonly trace?: readonly TracedCall[];
}

/** One question. */
interface Question<Args, Answer> {
  local(view: GatewayView, args: Args): Answer | Promise<Answer>;
  merge(answers: readonly Answer[]): Answer;
  /** How long others may take, beyond what is usual, ms. */
  extraMs?(args: Args): number;
}

function question<Args, Answer>(it: Question<Args, Answer>): Question<Args, Answer> {
  return it;
}

/** Errors that are listed. */
const ERRORS_MAX = 200;
const SNAPSHOT_MS = 120_000;

/** Every question by name. */
export const QUESTIONS = {
  clients: question<unknown, ClientView[]>({
    local: (view) => clientViews(view.clients, view.sessions()),
    merge: (answers) => answers.flat().toSorted((a, b) => a.idleS - b.idleS),
  }),
  client: question<{ readonly name: string; readonly trace: boolean }, NamedClient[]>({
    local: namedClients,
    merge: (answers) => answers.flat(),
  }),
  errors: question<unknown, ClientError[]>({
    local: (view) => view.clients.errors.list().slice(0, ERRORS_MAX),
    merge: (answers) => answers.flat().toSorted((a, b) => b.atMs - a.atMs).slice(0, ERRORS_MAX),
  }),
  rapid: question<unknown, RapidOrigin[]>({
    local: (view) => view.clients.openings.rapid(Date.now()),
    merge: mergedOrigins,
  }),
  cleanup: question<{ readonly idleS: number }, { ended: number }>({
    local: (view, { idleS }) => ({ ended: endIdle(view, idleS) }),
    merge: (answers) => ({ ended: answers.reduce((sum, { ended }) => sum + ended, 0) }),
  }),
  features: question<{ readonly name?: string; readonly percent?: number }, FeatureState[]>({
    local(view, { name, percent }) {
      if (name !== undefined) view.features.set(name, Number(percent));
      return view.features.list();
    },
    merge: mergedFeatures,
  }),
  logLevels: question<
    { readonly component?: string; readonly level?: LogThreshold },
    Readonly<Record<string, LogThreshold>>
  >({
    local(view, { component, level }) {
      if (component !== undefined && level !== undefined) view.logLevels.set(component, level);
      return view.logLevels.list();
    },
    merge: ([first]) => first,
  }),
  leaks: question<unknown, LeakReport[]>({
    local: (view) => [view.leaks()],
    merge: (answers) => answers.flat(),
  }),
  cpu: question<{ readonly seconds: number; readonly inline: boolean }, Profiled[]>({
    local: async (view, { seconds, inline }) => [await profileCpu(view, seconds, inline)],
    merge: (answers) => answers.flat(),
    extraMs: ({ seconds }) => 1000 * Math.min(seconds, PROFILE_S_MAX) + 5000,
  }),
  heap: question<unknown, Profiled[]>({
    local: async (view) => [await profileHeap(view)],
    merge: (answers) => answers.flat(),
    extraMs: () => SNAPSHOT_MS,
  }),
} as const;

/** Name of a question. */
export type QuestionName = keyof typeof QUESTIONS;

/** What a question needs to know. */
export type ArgsOf<Name extends QuestionName> = (typeof QUESTIONS)[Name] extends
  Question<infer Args, infer _> ? Args : never;

/** What is answered to a question. */
export type AnswerOf<Name extends QuestionName> = (typeof QUESTIONS)[Name] extends
  Question<infer _, infer Answer> ? Answer : never;

function namedClients(
  view: GatewayView,
  { name, trace }: { readonly name: string; readonly trace: boolean },
): NamedClient[] {
  const records = new Map(
    [...view.sessions()].flatMap((session) => {
      const record = view.clients.of(session);
      return record === undefined ? [] : [record];
    }).concat(view.clients.sessionless).map((record) => [record.hash, record]),
  );
  return clientViews(view.clients, view.sessions()).filter((one) => isNamed(one, name))
    .map((one) => {
      const record = records.get(one.client);
      const traced = trace && record !== undefined ? view.clients.trace(record) : one.traced;
      return { ...one, traced, ...record?.trace && { trace: record.trace.calls.list() } };
    });
}

/** Nobody who waits for something, or can be reached, is ended. */
function endIdle(view: GatewayView, idleS: number): number {
  const deadlineMs = performance.now() - idleS * 1000;
  const idle = [...view.sessions()].filter((session: LiveSession) =>
    !session.isSessionless && session.callsInFlight === 0 && session.lastSeenMs < deadlineMs
  );
  for (const session of idle) view.end(session);
  return idle.length;
}

function mergedOrigins(answers: readonly (readonly RapidOrigin[])[]): RapidOrigin[] {
  return [...Map.groupBy(answers.flat(), ({ origin }) => origin)].map(([origin, same]) => ({
    origin,
    openingsPerMinute: same.reduce((sum, one) => sum + one.openingsPerMinute, 0),
  })).toSorted((a, b) => b.openingsPerMinute - a.openingsPerMinute);
}

function mergedFeatures(answers: readonly (readonly FeatureState[])[]): FeatureState[] {
  return [...Map.groupBy(answers.flat(), ({ name }) => name)].map(([, same]) => {
    const group = (key: "on" | "off") => ({
      calls: same.reduce((sum, one) => sum + one[key].calls, 0),
      errors: same.reduce((sum, one) => sum + one[key].errors, 0),
    });
    // A worker that has taken one back has reasons; the others will find them, too.
    const shown = same.reduce((a, b) => b.percent < a.percent ? b : a);
    return { ...shown, on: group("on"), off: group("off") };
  });
}
