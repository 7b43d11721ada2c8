/**
 * Which answers have been overtaken by a change. Changes are numbered; an answer counts only if nothing that
 * concerns it has changed since it was asked for, so an answer that was under way during a change is never kept.
 *
 * @module
 */
import type { CachedKind } from "./request_key.ts";

/**
 * On whose word an answer is kept: the server named a time (`declared`), the server tells of changes (`told`), or
 * nobody said anything (`assumed`).
 */
export type Warrant = "declared" | "told" | "assumed";

/** Resources whose changes are remembered one by one; when there are more, all contents count as changed. */
const URIS_MAX = 1000;

/** The changes of one upstream. */
export class Freshness {
  #changes = 0;
  readonly #byKind: Record<CachedKind, number> = {
    tools: 0,
    prompts: 0,
    resources: 0,
    contents: 0,
    prompt: 0,
    discovery: 0,
  };
  readonly #byWarrant: Record<Warrant, number> = { declared: 0, told: 0, assumed: 0 };
  readonly #byUri = new Map<string, number>();

  /** Number of the last change: what is asked for now comes after it. */
  get now(): number {
    return this.#changes;
  }

  /** Everything of these kinds has changed. */
  changed(...kinds: readonly CachedKind[]): void {
    const change = ++this.#changes;
    for (const kind of kinds) this.#byKind[kind] = change;
  }

  /** One resource has changed. */
  updated(uri: string): void {
    if (this.#byUri.size >= URIS_MAX) {
      this.#byUri.clear();
      this.changed("contents");
    }
    this.#byUri.set(uri, ++this.#changes);
  }

  /** What is kept on this word is not to be believed any more. */
  doubted(...warrants: readonly Warrant[]): void {
    const change = ++this.#changes;
    for (const warrant of warrants) this.#byWarrant[warrant] = change;
  }

  /**
   * Whether nothing has changed for an answer since.
   *
   * @param since {@link Freshness.now} when it was asked for
   */
  holds(since: number, kind: CachedKind, warrant: Warrant, uri: string | undefined): boolean {
    if (since === this.#changes) return true;
    if (since < this.#byKind[kind] || since < this.#byWarrant[warrant]) return false;
    return uri === undefined || since >= (this.#byUri.get(uri) ?? 0);
  }
}
