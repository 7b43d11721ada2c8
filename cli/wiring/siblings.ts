/**
 * What the workers of one gateway ask each other while they serve; a process that is alone asks nobody.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { WorkerGroup } from "../../transports/workers/group.ts";

/** Answers a question with JSON text. */
type Answer = (text: string) => string;

/** Who is busy for longer is left out, ms. */
const ANSWER_MS = 1000;
/** Longest question, bytes. */
const QUESTION_BYTES_MAX = 4 * 1024 * 1024;

/** See the module. */
export class Siblings {
  readonly #answers = new Map<string, Answer>();
  #group: WorkerGroup | undefined;

  /** Whether there are others. */
  get exist(): boolean {
    return this.#group !== undefined && this.#group.place.count > 1;
  }

  /** From now on there are others. */
  join(group: WorkerGroup): void {
    this.#group = group;
  }

  /** Answers the others at a path. @returns ends that */
  answers(path: string, answer: Answer): () => void {
    this.#answers.set(path, answer);
    return () => {
      if (this.#answers.get(path) === answer) this.#answers.delete(path);
    };
  }

  /**
   * What another worker says.
   *
   * @throws {TransportError} when it says nothing in time
   */
  async ask(worker: number, path: string, text: string): Promise<string> {
    return await this.#group!.askWorker(worker, path, text, ANSWER_MS);
  }

  /** What each of the others says, parsed; those that say nothing in time are left out. */
  async askAll(path: string, text: string): Promise<unknown[]> {
    if (this.#group === undefined) return [];
    const { number, count } = this.#group.place;
    const others = Array.from({ length: count }, (_, i) => i + 1).filter((one) => one !== number);
    const answers = await Promise.allSettled(others.map((one) => this.ask(one, path, text)));
    return answers.flatMap((one) => one.status === "fulfilled" ? [JSON.parse(one.value)] : []);
  }

  /** Answers what another worker asks. @returns whether it is a question of these */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const answer = req.method === "POST" ? this.#answers.get(req.url ?? "") : undefined;
    if (answer === undefined) return false;
    let text = "";
    req.setEncoding("utf8");
    req.on("data", (part: string) => {
      if ((text += part).length > QUESTION_BYTES_MAX) req.destroy();
    });
    req.on("end", () => {
      try {
        res.writeHead(200, { "content-type": "application/json" }).end(answer(text));
      } catch { // no question that one of us could have asked
        res.destroy();
      }
    });
    return true;
  }
}
