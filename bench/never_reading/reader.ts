/**
 * A client that reads.
 *
 * @module
 */
import { call, connected, INITIALIZE, until } from "./speech.ts";

const PAUSE_MS = 50;
const TEXT_BYTES = 16 * 1024;

/** One that reads: calls again and again, and counts what is missing. */
export class Reader {
  asked = 0;
  answered = 0;
  slowestMs = 0;
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(port: number) {
    this.#done = this.#run(port);
  }

  async #run(port: number): Promise<void> {
    const socket = await connected(port);
    socket.write(`${INITIALIZE}\n`);
    await until(socket, "\n");
    while (!this.#isOver) {
      const askedMs = performance.now();
      const answer = until(socket, `"id":${++this.asked},`);
      socket.write(`${call(this.asked, TEXT_BYTES)}\n`);
      await answer;
      this.answered++;
      this.slowestMs = Math.max(this.slowestMs, performance.now() - askedMs);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    socket.destroy();
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }
}
