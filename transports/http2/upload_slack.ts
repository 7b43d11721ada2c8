/**
 * Room for bodies that have to wait, of all HTTP/2 connections of a listener together.
 *
 * hyper gives a connection the same window of 1 MiB as each of its streams (and `Deno.serve` cannot be told
 * otherwise): a body that nobody reads holds up all others of its connection, also the one that it waits
 * for. Bodies are therefore read ahead of our server, as long as there is room.
 *
 * @module
 */

/** Of all bodies together. */
const SLACK_BYTES = 16 * 1024 * 1024;

/** The room of one listener. */
export class UploadSlack {
  #freeBytes = SLACK_BYTES;

  /** The part of one body. */
  open(): SlackShare {
    return new SlackShare((bytes) => this.#take(bytes));
  }

  #take(bytes: number): boolean {
    if (bytes > this.#freeBytes) return false;
    this.#freeBytes -= bytes;
    return true;
  }
}

/** What one body has of it. */
export class SlackShare {
  readonly #take: (bytes: number) => boolean;
  #heldBytes = 0;

  /** @param take takes bytes, or gives them back when there are less than none */
  constructor(take: (bytes: number) => boolean) {
    this.#take = take;
  }

  /** Says how much waits now. False when there is no room for it: it may stay, but no more may come. */
  hold(bytes: number): boolean {
    if (!this.#take(bytes - this.#heldBytes)) return false;
    this.#heldBytes = bytes;
    return true;
  }
}
