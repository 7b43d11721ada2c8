/**
 * Codecs that are sealed with the keys of a file, which may be exchanged while connections come and go.
 *
 * @module
 */
import { readFileSync, statSync } from "node:fs";
import { reasonOf, SluiceError, TransportError } from "../../lib/core/errors.ts";
import { type HopKey, readKeys } from "../../lib/framing/sealing/key_ring.ts";
import { ReplayGuard } from "../../lib/framing/sealing/replay_guard.ts";
import { sealed } from "../../lib/framing/sealing/sealed.ts";
import type { CodecMaker, HopEnd } from "./codec_choice.ts";

/**
 * Seals what a codec makes.
 *
 * @param inner makes the codec of one connection
 * @param file keys, as `readKeys` takes them
 * @throws {TransportError} it cannot be read, or holds what is no key
 */
export function sealing(inner: CodecMaker, file: string, end: HopEnd): CodecMaker {
  const keys = new KeyFile(file);
  const guard = end === "listens" ? new ReplayGuard() : undefined;
  return () => sealed({ inner: inner(), keys: keys.current(), guard });
}

/** Keys that are read again when the file is another. */
class KeyFile {
  readonly #file: string;
  #version = "";
  #keys: readonly HopKey[];

  constructor(file: string) {
    this.#file = file;
    try {
      this.#keys = this.#read();
    } catch (error) {
      if (error instanceof SluiceError) throw new TransportError(error.message, { cause: error });
      throw new TransportError(`Cannot read keys ${file}: ${reasonOf(error)}`, { cause: error });
    }
  }

  current(): readonly HopKey[] {
    try {
      this.#keys = this.#read();
    } catch {
      // it is being written, or has gone: connections go on with the keys that were good
    }
    return this.#keys;
  }

  #read(): readonly HopKey[] {
    const { ino, size, mtimeMs } = statSync(this.#file);
    const version = `${ino} ${size} ${mtimeMs}`;
    if (version === this.#version) return this.#keys;
    const keys = readKeys(readFileSync(this.#file, "utf8"), this.#file);
    this.#version = version;
    return keys;
  }
}
