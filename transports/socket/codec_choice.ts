/**
 * Which framing a byte stream has: `?framing=newline` (unless said otherwise), `?framing=length`, and
 * `?framing=length&compress=auto` between gateways. Without TLS, `?framing=length&key=FILE` seals it.
 *
 * @module
 */
import type { Codec } from "../../lib/core/connection.ts";
import { TransportError } from "../../lib/core/errors.ts";
import { newline } from "../../lib/framing/newline.ts";

/** Makes the codec of one connection. */
export type CodecMaker = () => Codec;

/** Which end of a connection a codec is for. */
export type HopEnd = "dials" | "listens";

/**
 * The framing that an address names. Framings other than newline are loaded when they are used.
 *
 * @param messageBytesMax longest message taken, bytes
 * @throws {TransportError} no such framing or compression, or keys that cannot be used
 */
export async function codecMakerOf(
  url: URL,
  messageBytesMax: number,
  end: HopEnd,
): Promise<CodecMaker> {
  const plain = await plainMakerOf(url, messageBytesMax);
  const file = url.protocol === "tls:" ? null : url.searchParams.get("key");
  if (file === null) return plain;
  const { sealing } = await import("./sealing.ts");
  return sealing(plain, file, end);
}

async function plainMakerOf(url: URL, messageBytesMax: number): Promise<CodecMaker> {
  const framing = url.searchParams.get("framing") ?? "newline";
  const compress = url.searchParams.get("compress") ?? "off";
  const refuse = (what: string, known: string) =>
    new TransportError(`Cannot use ${what}: known are ${known}`);
  if (compress !== "off" && compress !== "auto") throw refuse(`compress=${compress}`, "auto, off");
  if (framing === "newline" && compress === "off") return sharing(newline({ messageBytesMax }));
  if (framing !== "length") throw refuse(`framing=${framing} with compress=${compress}`, "length");
  if (compress === "auto") {
    const { privateHop } = await import("../../lib/framing/private_hop.ts");
    return () => privateHop({ messageBytesMax });
  }
  const { lengthPrefixed } = await import("../../lib/framing/length_prefixed.ts");
  return sharing(lengthPrefixed({ messageBytesMax }));
}

/** These codecs remember nothing: one does for all connections. */
function sharing(codec: Codec): CodecMaker {
  return () => codec;
}
