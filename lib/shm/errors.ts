/**
 * What can go wrong with a shared-memory export.
 *
 * @module
 */
import { SluiceError } from "../core/errors.ts";

/**
 * Kind of a {@link ShmError}:
 * - `full`: over the size limit, or no room in the file system
 * - `locked`: another writer has the path
 * - `refused`: what stands at the path must not be replaced, or the system says no
 * - `missing`: there is no file
 * - `invalid`: the file is no whole snapshot
 * - `unsupported`: this platform or these permissions cannot do it
 */
export type ShmFailure = "full" | "locked" | "refused" | "missing" | "invalid" | "unsupported";

/** An export that cannot be written or read. */
export class ShmError extends SluiceError {
  override name = "ShmError";
  readonly failure: ShmFailure;

  constructor(failure: ShmFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** `code` of an error of the operating system, `""` for any other. */
export function systemCode(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}
