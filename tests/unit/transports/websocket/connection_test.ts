import { connectionContract } from "../../../contract/connection_contract.ts";
import { dialWebSocket } from "../../../../transports/websocket/client.ts";
import type { Connection } from "../../../../lib/core/connection.ts";
import { echo, EchoListener, leave } from "./echo_listener.ts";

// Without compression: what the contract sends to fill buffers would shrink to nothing.
connectionContract("dialled websocket", async (bufferBytesMax) => {
  const { dialled, accepted, listener } = await pair(bufferBytesMax, echo);
  return endpoints(dialled, accepted, listener);
});

connectionContract("accepted websocket", async (bufferBytesMax) => {
  const { dialled, accepted, listener } = await pair(bufferBytesMax, leave);
  echo(dialled);
  return endpoints(accepted, dialled, listener);
});

async function pair(bufferBytesMax: number, serve: (connection: Connection) => void) {
  const options = { bufferBytesMax, compression: false };
  const listener = await EchoListener.bind({ server: options }, serve);
  const { signal } = new AbortController();
  const dialled = await dialWebSocket({ url: listener.url }, signal, options);
  return { dialled, accepted: await listener.accepted(), listener };
}

function endpoints(connection: Connection, peer: Connection, listener: EchoListener) {
  return {
    connection,
    peerEnded: peer.closed.catch(() => {}),
    async [Symbol.asyncDispose]() {
      await Promise.all([connection[Symbol.asyncDispose](), peer[Symbol.asyncDispose]()]);
      await listener[Symbol.asyncDispose]();
    },
  };
}
