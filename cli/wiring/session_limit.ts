/**
 * The limit of sessions of one client, all workers together.
 *
 * @module
 */
import type { Policy } from "../../lib/core/handler.ts";
import type { SessionRegistry } from "../../lib/session/registry.ts";
import { sessionsElsewhere } from "../../lib/session/sessions_elsewhere.ts";
import type { Base } from "./base.ts";

/** Path at which workers ask each other. */
const SESSIONS = "/account-sessions";

/** The layer; it lets everything through where the process is alone. */
export function sessionLimit({ security: { siblings } }: Base, sessions: SessionRegistry): Policy {
  siblings.answers(SESSIONS, (account) => String(sessions.countOf(account)));
  return sessionsElsewhere({
    hasOthers: () => siblings.exist,
    max: () => sessions.perAccountMax,
    here: (account) => sessions.countOf(account),
    elsewhere: async (account) => (await siblings.askAll(SESSIONS, account)).map(Number),
  });
}
