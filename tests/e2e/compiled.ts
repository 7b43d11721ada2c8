/**
 * Tests that need the compiled program.
 *
 * @module
 */
import { SLUICE_TEST_BINARY } from "../fixtures/sluice.ts";

/** Whether there is no compiled program to test. */
export const NO_BINARY: boolean = SLUICE_TEST_BINARY === undefined;

if (NO_BINARY) console.log("skipped: SLUICE_TEST_BINARY names no compiled program");

/** Registers a test of the compiled program. */
export function testCompiled(name: string, fn: Deno.TestDefinition["fn"]): void {
  Deno.test({ name: `the compiled program: ${name}`, ignore: NO_BINARY, fn });
}
