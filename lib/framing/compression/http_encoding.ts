/**
 * Content codings of HTTP answers (RFC 9110, section 12.5.3). An answer whose coding was chosen by
 * `Accept-Encoding` says `Vary: Accept-Encoding`, coded or not.
 *
 * @module
 */
import { deflateSync, gzipSync } from "node:zlib";
import { brotliBytes, GZIP_LEVEL, isZstdAvailable, zstdBytes } from "./zlib_formats.ts";

/** A coding that we can apply. */
export type HttpEncoding = "zstd" | "gzip" | "br" | "deflate";

/** Smaller answers are sent as they are: headers and time outweigh what is saved. Bytes. */
export const ENCODE_BYTES_MIN = 1024;

/** By cost for about the same size (docs/tuning.md): decides where the client has no preference. */
const OUR_ORDER: readonly HttpEncoding[] = ["zstd", "gzip", "br", "deflate"];

/**
 * The coding for a whole answer; `undefined` for none.
 *
 * @param acceptEncoding the request's header
 * @param bytes size of the answer, bytes
 */
export function chooseEncoding(
  acceptEncoding: string | undefined,
  bytes: number,
): HttpEncoding | undefined {
  return bytes < ENCODE_BYTES_MIN ? undefined : best(acceptEncoding, OUR_ORDER);
}

/** The coding for an event stream; `undefined` for none. Only gzip: every client that has any has it. */
export function chooseStreamEncoding(acceptEncoding: string | undefined): "gzip" | undefined {
  return best(acceptEncoding, ["gzip"]);
}

/** A whole answer, coded. */
export function encodeBody(encoding: HttpEncoding, bytes: Uint8Array): Uint8Array {
  switch (encoding) {
    case "zstd":
      return zstdBytes(bytes);
    case "gzip":
      return gzipSync(bytes, { level: GZIP_LEVEL });
    case "br":
      return brotliBytes(bytes);
    case "deflate":
      return deflateSync(bytes, { level: GZIP_LEVEL });
  }
}

/** The coding of the highest weight; ours decides between equals. No coding wins where the client prefers it. */
function best<T extends HttpEncoding>(
  header: string | undefined,
  candidates: readonly T[],
): T | undefined {
  if (header === undefined) return undefined; // anything may be sent, but who does not ask may not expect it
  const weights = weightsOf(header);
  const others = weights.get("*") ?? 0;
  let chosen: T | undefined;
  let highest = weights.get("identity") ?? 0;
  for (const name of candidates) {
    const weight = weights.get(name) ?? others;
    if (weight === 0 || weight < highest || (weight === highest && chosen !== undefined)) continue;
    if (name === "zstd" && !isZstdAvailable()) continue;
    chosen = name;
    highest = weight;
  }
  return chosen;
}

/** Weight by coding. A weight that is none counts as 0: the client is misunderstood at worst as modest. */
function weightsOf(header: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const item of header.toLowerCase().split(",")) {
    const [name, ...parameters] = item.split(";").map((part) => part.trim());
    if (name === "") continue;
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    const weight = q === undefined ? 1 : /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q) : 0;
    weights.set(name === "x-gzip" ? "gzip" : name, weight);
  }
  return weights;
}
