/**
 * The HTTP/2 that the runtime has: hyper, behind `Deno.serve`, with its defences against floods. It gets the
 * decrypted bytes of one connection over a unix socket that nobody else can connect to.
 *
 * One server for each connection, so that a request's connection is known without anything that a client
 * could write, one connection can be told to leave, and what breaks costs one connection. 170 us to open and
 * close, 70 KB, four descriptors (Deno 2.9.6). `node:http2` would end the process, see `bound_server.ts`.
 *
 * @module
 */
import net from "node:net";
import { join } from "node:path";

/** Answers one request. */
type Handler = (request: Request) => Promise<Response>;

/** A server with its only connection. */
export class PrivateServer {
  /** Bytes of HTTP/2 to and from the server. */
  readonly inner: net.Socket;
  readonly #server: Deno.HttpServer;

  private constructor(inner: net.Socket, server: Deno.HttpServer) {
    this.inner = inner;
    this.#server = server;
  }

  /**
   * Starts a server and connects to it.
   *
   * @throws {Error} no unix sockets, no place for one, or no descriptors left
   */
  static async open(handler: Handler): Promise<PrivateServer> {
    const folder = await Deno.makeTempDir({ prefix: "sluice-" }); // only its owner may enter
    try {
      const path = join(folder, "h2");
      const onError = () => new Response(null, { status: 500 });
      const server = Deno.serve({ path, onListen: () => {}, onError }, handler);
      try {
        return new PrivateServer(await connected(path), server);
      } catch (error) {
        await server.shutdown();
        throw error;
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  /** Asks the client to leave (GOAWAY). Resolves when what is under way has been answered. */
  leave(): Promise<void> {
    return this.#server.shutdown();
  }
}

function connected(path: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ path });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => {}); // "close" follows
      resolve(socket);
    });
  });
}
