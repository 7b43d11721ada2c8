/**
 * What a roster and its pool tell each other.
 *
 * @module
 */
import type { Member } from "./member.ts";

/** See the module. */
export interface RosterListener {
  /** A member has started: there is room. */
  onRoom(): void;
  /** A member gets no more calls: sessions must not count on it. */
  onLeft(member: Member): void;
  /** Calls that wait for a member. */
  waiting(): number;
  /** Whether anything waits for a member. */
  isNeeded(): boolean;
  /** Whether no session would lose what only this member knows. */
  canStop(member: Member): boolean;
}
