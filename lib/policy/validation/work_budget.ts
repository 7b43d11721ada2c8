/**
 * How much work one check may be. A schema comes from a server, arguments from a client: together they can ask
 * for exponential work (`anyOf` of references to itself), and the check runs on the thread that serves everybody.
 *
 * @module
 */

/** Work of one check: a subschema applied to a value, or a place of a text that a pattern looks at. */
export const WORK_MAX = 20_000;

/** The check would take too long. */
export class TooMuchWork extends Error {
  override name = "TooMuchWork";
}

/** Counts the work of one check after the other. */
export class WorkBudget {
  #left = 0;

  /** A check begins. */
  begin(): void {
    this.#left = WORK_MAX;
  }

  /**
   * Some of it is done.
   *
   * @throws {TooMuchWork} when it was the last
   */
  spend(work: number): void {
    this.#left -= work;
    if (this.#left < 0) throw new TooMuchWork("the check takes too long");
  }
}
