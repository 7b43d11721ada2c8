/**
 * Settings of the check of arguments.
 *
 * @module
 */
import { z } from "zod";
import { VALIDATIONS } from "./choices.ts";
import { DEFAULTS } from "./defaults.ts";
import { about } from "./schema_parts.ts";

/** `sluice.validation`. */
export const validation = z.strictObject({
  arguments: about(z.enum(VALIDATIONS).default(DEFAULTS.validation.arguments), {
    description:
      "arguments of tools that do not match the tool's inputSchema: off, log (to the audit log), or deny (the model is told what is wrong)",
  }),
});
