/**
 * A listening socket that whoever started the process has opened. Others may accept from it, too: who stops loses no
 * connection, if those that it has taken get their answer.
 *
 * @module
 */

/** How a listener uses one. */
export interface InheritedSocket {
  /** Another descriptor of it, each time; it belongs to the caller. */
  duplicate(): number;
  /** What is to be done before the gateway begins to refuse: once, whatever is given again. */
  onLeave(leave: () => Promise<void>): void;
}

/** A client that has connected and says nothing is waited for so long, ms. */
const NEWCOMER_MS = 1_000;
const LOOK_MS = 10;

/** Resolves when nobody is left who has connected and not said anything, or the time for that is over. */
export async function newcomersHeard(areLeft: () => boolean): Promise<void> {
  for (let waitedMs = 0; areLeft() && waitedMs < NEWCOMER_MS; waitedMs += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
