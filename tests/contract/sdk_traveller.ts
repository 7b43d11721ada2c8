/**
 * The client of the SDK's first generation on the journeys that both generations make.
 *
 * @module
 */
import type { OpenDoor } from "../fixtures/ways.ts";
import { connectSdkClient } from "./sdk_client.ts";
import { textOf, type Traveller } from "./traveller.ts";

/** Connects a client. Servers may ask it for everything. */
export async function connectSdkTraveller(door: OpenDoor): Promise<Traveller> {
  const sdk = await connectSdkClient(door);
  const { client } = sdk;
  return {
    ...sdk,
    era: "legacy",
    call: async (name, args = {}, options) =>
      textOf(await client.callTool({ name, arguments: args }, undefined, options)),
    async watch(...uris) {
      for (const uri of uris) await client.subscribeResource({ uri });
    },
    logFrom: async (level) => void await client.setLoggingLevel(level),
    [Symbol.asyncDispose]: () => sdk[Symbol.asyncDispose](),
  };
}
