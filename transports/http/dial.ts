/**
 * Reaching an HTTP server for the first time.
 *
 * @module
 */
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import { type AgentTimes, connect, connected, securedTargetOf, UpstreamAgent } from "./agent.ts";

/**
 * Connects to the server of a URL. The connection carries the first request of the agent.
 *
 * @throws {TransportError} when it cannot be reached or trusted, or the signal aborts
 */
export async function dialAgent(
  url: URL,
  signal: AbortSignal,
  times: AgentTimes,
): Promise<UpstreamAgent> {
  const target = await securedTargetOf(url);
  const agent = new UpstreamAgent(target, times);
  const socket = connect(target, times.connectTimeoutMs);
  const abort = () => socket.destroy(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (signal.aborted) abort();
    await connected(socket, target);
  } catch (error) {
    socket.destroy();
    throw new TransportError(`Cannot connect to ${url.host}: ${reasonOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", abort);
  }
  agent.lend(socket);
  return agent;
}
