/**
 * Takes a client through a list of steps.
 *
 * @module
 */
import { bounded } from "../fixtures/child_wait.ts";

/** What a client does, by what that shows. */
export type Steps<Scene> = Readonly<Record<string, (scene: Scene) => Promise<void>>>;

/** Far above what a step takes, ms. */
const STEP_MS = 60_000;

/** Makes the journey; every step is a step of the test. Prints the log when one has failed. */
export async function takeSteps<Scene>(
  steps: Steps<Scene>,
  scene: Scene,
  t: Deno.TestContext,
  log: () => string,
): Promise<void> {
  let failed = 0;
  for (const [name, step] of Object.entries(steps)) {
    const done = await t.step({
      name,
      // The session lives on from step to step; the test around them checks that it ends.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => bounded(step(scene), name, STEP_MS),
    });
    if (!done) failed++;
  }
  if (failed > 0) console.error(log());
}
