/**
 * MCP over byte streams: TCP, TLS over TCP, and unix sockets. Outside the MCP specification; see docs/protocol.md.
 *
 * @module
 */
import type { Connection, Endpoint, Listener, Transport } from "../../lib/core/connection.ts";
import { BUFFER_BYTES_MAX, MESSAGE_BYTES_MAX } from "../../lib/core/limits.ts";
import { serverTlsOptions, tlsParametersOf } from "../tls/parameters.ts";
import { addressOf } from "./address.ts";
import { codecMakerOf } from "./codec_choice.ts";
import { SocketConnection } from "./connection.ts";
import { ALPN, dial, dialTls } from "./dial.ts";
import { SocketListener, type SocketListenerOptions } from "./listener.ts";

/** Plain TCP: `tcp://HOST:PORT?framing=...`. */
export function tcp(options: SocketListenerOptions = {}): Transport {
  return new SocketTransport("tcp", options);
}

/** Unix sockets: `unix:///path?framing=...`. */
export function unix(options: SocketListenerOptions = {}): Transport {
  return new SocketTransport("unix", options);
}

/** TLS over TCP: `tls://HOST:PORT?cert=...&key=...&framing=...`. */
export function tls(options: SocketListenerOptions = {}): Transport {
  return new SocketTransport("tls", options);
}

class SocketTransport implements Transport {
  readonly name: string;
  readonly #options: SocketListenerOptions;

  constructor(name: "tcp" | "unix" | "tls", options: SocketListenerOptions) {
    this.name = name;
    this.#options = options;
  }

  async dial({ url }: Endpoint, signal: AbortSignal): Promise<Connection> {
    const codec = await codecMakerOf(url, this.#messageBytesMax, "dials");
    const dialled = await (this.name === "tls" ? dialTls(url, signal) : dial(url, signal));
    return new SocketConnection({
      ...dialled,
      peer: { transport: this.name, address: placeOf(url) },
      codec: codec(),
      bufferBytesMax: this.#options.bufferBytesMax ?? BUFFER_BYTES_MAX,
    });
  }

  async listen({ url }: Endpoint, signal: AbortSignal): Promise<Listener> {
    const codec = await codecMakerOf(url, this.#messageBytesMax, "listens");
    const parts = { transport: this.name, url, address: addressOf(url), codec };
    const tls = this.name === "tls"
      ? await serverTlsOptions(tlsParametersOf(url), ALPN)
      : undefined;
    return await SocketListener.bind({ ...parts, tls }, this.#options, signal);
  }

  get #messageBytesMax(): number {
    return this.#options.messageBytesMax ?? MESSAGE_BYTES_MAX;
  }
}

function placeOf(url: URL): string {
  return url.protocol === "unix:" ? url.pathname : url.host;
}
