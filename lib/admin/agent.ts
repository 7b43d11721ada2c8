/**
 * Answers questions for a whole gateway, be it one process or several.
 *
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import type { GatewayView } from "./gateway_view.ts";
import { type AnswerOf, type ArgsOf, type QuestionName, QUESTIONS } from "./questions.ts";

/** Asks every other process; gives the answers of those that were in time. */
export type AskOthers = (path: string, timeoutMs: number) => Promise<string[]>;

/** A question as the processes of a gateway ask it of one another. */
export const ADMIN_PATH = "/admin/";

/** Who is busy for longer is left out, ms. */
const ANSWER_MS = 1000;

/** See the module. */
export class AdminAgent {
  readonly #view: GatewayView;
  readonly #askOthers: AskOthers | undefined;

  /** @param askOthers absent where the process is alone */
  constructor(view: GatewayView, askOthers?: AskOthers) {
    this.#view = view;
    this.#askOthers = askOthers;
  }

  /** Whether this process is all of the gateway. */
  get isAlone(): boolean {
    return this.#askOthers === undefined;
  }

  /** This process, as far as it knows itself. */
  get view(): GatewayView {
    return this.#view;
  }

  /**
   * Asks all processes.
   *
   * @throws {SluiceError} what was asked for cannot be done
   */
  async ask<Name extends QuestionName>(name: Name, args: ArgsOf<Name>): Promise<AnswerOf<Name>> {
    const { local, merge, extraMs } = QUESTIONS[name] as Loose;
    const path = `${ADMIN_PATH}${name}?${encodeURIComponent(JSON.stringify(args ?? {}))}`;
    const waitMs = ANSWER_MS + (extraMs?.(args) ?? 0);
    const elsewhere = this.#askOthers?.(path, waitMs) ?? Promise.resolve([]);
    const [own, others] = await Promise.all([local(this.#view, args), elsewhere]);
    return merge([own, ...others.map((text) => JSON.parse(text))]) as AnswerOf<Name>;
  }

  /**
   * Answers for this process alone what another one asks.
   *
   * @param path as {@link AskOthers} has it
   * @returns JSON
   */
  async answer(path: string): Promise<string> {
    const [name, query = ""] = path.slice(ADMIN_PATH.length).split("?");
    if (!Object.hasOwn(QUESTIONS, name)) throw new SluiceError(`Cannot answer ${name}: unknown`);
    const { local } = QUESTIONS[name as QuestionName] as Loose;
    return JSON.stringify(await local(this.#view, JSON.parse(decodeURIComponent(query))));
  }
}

interface Loose {
  local(view: GatewayView, args: unknown): unknown;
  merge(answers: readonly unknown[]): unknown;
  extraMs?(args: unknown): number;
}
