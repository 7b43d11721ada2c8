/**
 * Says aloud what changes for the worse or the better, and nothing else: a screen reader is not to speak every
 * second.
 *
 * @module
 */
import { setText } from "./element.js";
import { words } from "./format.js";

/** Between two sentences, ms. */
const QUIET_MS = 5000;

/** See the module. */
export class Teller {
  #place;
  #open = new Set();
  #short = new Set();
  #isFirst = true;
  #waiting = [];
  #timer;

  constructor(place) {
    this.#place = place;
  }

  /** The connection to the gateway has changed. */
  connection(text) {
    this.#say(text);
  }

  /** Compares an overview with the one before. */
  overview({ breakers, capacity }) {
    const open = new Set(
      breakers.filter(({ state }) => state === "open").map(({ upstream }) => upstream),
    );
    const short = new Set(capacity.filter(({ isOver }) => isOver).map(({ resource }) => resource));
    if (!this.#isFirst) {
      for (const one of open.difference(this.#open)) this.#say(`Circuit of ${one} is open`);
      for (const one of this.#open.difference(open)) {
        this.#say(`Circuit of ${one} is no longer open`);
      }
      for (const one of short.difference(this.#short)) this.#say(`${words(one)} runs short`);
      for (const one of this.#short.difference(short)) this.#say(`Enough ${one} again`);
    }
    this.#isFirst = false;
    this.#open = open;
    this.#short = short;
  }

  #say(text) {
    this.#waiting.push(text);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      setText(this.#place, this.#waiting.splice(0).slice(-3).join(". "));
    }, this.#place.textContent === "" ? 0 : QUIET_MS);
  }
}
