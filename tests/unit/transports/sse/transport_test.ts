import { connectionContract } from "../../../contract/connection_contract.ts";
import { echo, SseScene } from "../../../fixtures/sse_scene.ts";

connectionContract("sse", async (bufferBytesMax) => {
  const scene = await SseScene.start(echo, {
    server: { bufferBytesMax, resumeMs: 100 },
    // One POST at a time: requests side by side may overtake each other.
    client: { bufferBytesMax, inFlightMax: 1 },
  });
  const connection = await scene.dial();
  const far = await scene.connection(0);
  return {
    connection,
    peerEnded: far.closed.catch(() => {}),
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      await scene[Symbol.asyncDispose]();
    },
  };
});
