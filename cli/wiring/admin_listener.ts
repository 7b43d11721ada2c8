/**
 * An address that is for operators alone.
 *
 * @module
 */
import { parseListen } from "../../lib/config/endpoints.ts";
import type { Base } from "./base.ts";
import { httpOptions } from "./listeners.ts";

/**
 * Binds the address that the configuration names for operators, if it does; of several workers the first one.
 *
 * @returns where it listens
 * @throws {TransportError} when it cannot be bound
 */
export async function listenAdmin(base: Base): Promise<URL | undefined> {
  const { listen } = base.config.admin;
  const isFirst = (base.worker?.group.place.number ?? 1) === 1;
  if (listen === "" || !isFirst) return undefined;
  const endpoint = parseListen(listen, "sluice.admin.listen");
  const { bindHttp } = await import("../../transports/http/bind.ts");
  const options = await httpOptions(base, endpoint);
  const port = await bindHttp(endpoint.url, {
    ...options,
    workers: undefined,
    httpsPort: undefined,
    fallback: base.admin!.fallback(true),
  });
  base.owned.push({
    async [Symbol.asyncDispose]() {
      await port[Symbol.asyncDispose]();
      port.destroyConnections();
      await port.closed;
    },
  });
  return port.url;
}
