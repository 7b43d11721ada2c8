/**
 * Run as a process by logger_process_test.ts: logs a lot to its real standard error and tells on
 * standard output what happened.
 */
import { createLogger } from "../../../lib/telemetry/logger.ts";

let dropped = 0;
const logger = createLogger({ format: "json", dropped: { inc: (lines) => dropped += lines } });
let turns = 0;
const padding = "x".repeat(4000);
logger.info("start");
await logger.flush(2000);
for (let i = 0; i < 250; i++) {
  logger.info("line", { i, padding });
  // another turn of the event loop: with a blocking write these would never come
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  turns++;
}
await logger.flush(100);
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ turns, dropped })));
Deno.exit(0);
