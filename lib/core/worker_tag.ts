/**
 * Which of several processes that share their ports this one is, and how what it gives out (ids of sessions,
 * request states) tells so: `2~...` belongs to worker 2. The tag is only a direction: whatever a client writes
 * there, a worker that does not know the rest answers as to anything unknown.
 *
 * @module
 */

/** Most workers of one gateway. */
export const WORKERS_MAX = 64;

const SEPARATOR = "~";
const TAG = /^([1-9]\d?)~/;

/** Number of this process; 0 where it is alone. */
let own = 0;

/** Says which worker this process is from now on, 1 to {@link WORKERS_MAX}; 0: it is alone. */
export function becomeWorker(worker: number): void {
  own = worker;
}

/** An id or state that is given out here, with the tag of this worker; as it is where the process is alone. */
export function tagged(text: string): string {
  return own === 0 ? text : `${own}${SEPARATOR}${text}`;
}

/** What was tagged, without the tag. */
export function untagged(text: string): string {
  return text.replace(TAG, "");
}

/** The other worker that a text names; `undefined` when it names none, or this one. */
export function workerElsewhere(text: string): number | undefined {
  const worker = Number(TAG.exec(text)?.[1] ?? own);
  return worker === own || worker > WORKERS_MAX ? undefined : worker;
}
