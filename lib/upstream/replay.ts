/**
 * Brings a new connection to where the old one was.
 *
 * @module
 */
import { TransportError } from "../core/errors.ts";
import type { Link } from "./link.ts";
import type { StandingState } from "./standing_state.ts";
import { atMost } from "../core/waiting.ts";

/** Subscriptions are waited for so long before calls follow, ms. */
const RESTORE_MS = 5000;

/**
 * Repeats the handshake, which must stand, and then what the client has subscribed to.
 *
 * @param signal ends the connection when nobody needs it any more
 * @throws {TransportError | GatewayError} the server did not take it; the connection is closed
 */
export async function replay(
  link: Link,
  standing: StandingState,
  signal: AbortSignal,
): Promise<void> {
  const handshake = standing.handshake!;
  const stop = () => void link[Symbol.asyncDispose](); // a session that ends need not wait for the answer
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  try {
    const answer = await link.ask(handshake.initialize);
    if (answer.isError) throw new TransportError("it refused to be initialized again");
    const { initialized } = handshake; // which may have been completed meanwhile
    if (initialized !== undefined) await link.send(initialized);
    const restored = standing.restore((request) => link.ask(request));
    await atMost(RESTORE_MS, restored.catch(() => {})); // a link that is lost meanwhile is found dead
  } catch (error) {
    await link[Symbol.asyncDispose]();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
