/**
 * The keys of a private hop: both ends have the same file. Its first key seals; each of them opens. So a key is
 * exchanged without a break: added to both files behind the old one, then put first, then left alone.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { SluiceError } from "../../core/errors.ts";

/** A key and its name, which travels in the clear. */
export interface HopKey {
  readonly id: string;
  readonly secret: Uint8Array;
}

/** Bytes of a key of AES-256. */
const SECRET_BYTES = 32;
const KEYS_MAX = 16;
const ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Reads keys: one on each line, its name, white space, 32 bytes in base64. Empty lines and lines that begin with
 * `#` are left out.
 *
 * @param where for the error; the text itself is never shown
 * @throws {SluiceError} a line that is no key, no key at all, too many, or two of the same name
 */
export function readKeys(text: string, where: string): HopKey[] {
  const refuse = (why: string) => new SluiceError(`Cannot use keys of ${where}: ${why}`);
  const keys: HopKey[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [id, base64, ...more] = line.trim().split(/\s+/);
    const secret = Buffer.from(base64 ?? "", "base64");
    if (!ID.test(id) || secret.length !== SECRET_BYTES || more.length > 0) {
      throw refuse(`line ${index + 1} is not a name and 32 bytes in base64`);
    }
    if (keys.some((key) => key.id === id)) throw refuse(`two have the name ${id}`);
    keys.push({ id, secret: new Uint8Array(secret) });
  }
  if (keys.length === 0) throw refuse("there is none");
  if (keys.length > KEYS_MAX) throw refuse(`there are more than ${KEYS_MAX}`);
  return keys;
}
