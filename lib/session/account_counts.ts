/**
 * How many of something each account has open.
 *
 * @module
 */

/** Counts by account; what belongs to none is not counted. */
export class AccountCounts<T> {
  readonly #counts = new Map<string, number>();
  readonly #accounts = new Map<T, string>();

  /** How many an account has. */
  of(account: string | undefined): number {
    return account === undefined ? 0 : this.#counts.get(account) ?? 0;
  }

  /** Counts one more. */
  add(one: T, account: string | undefined): void {
    if (account === undefined) return;
    this.#accounts.set(one, account);
    this.#counts.set(account, this.of(account) + 1);
  }

  /** Counts it no longer; nothing where it was not counted. */
  delete(one: T): void {
    const account = this.#accounts.get(one);
    if (account === undefined) return;
    this.#accounts.delete(one);
    const left = this.of(account) - 1;
    if (left > 0) this.#counts.set(account, left);
    else this.#counts.delete(account);
  }
}
