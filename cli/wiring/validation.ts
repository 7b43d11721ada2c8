/**
 * The check of arguments in front of each server.
 *
 * @module
 */
import type { Policy } from "../../lib/core/handler.ts";
import type { SchemaCompiler } from "../../lib/policy/validation/schema_compiler.ts";
import type { Base } from "./base.ts";

/** What has been compiled serves all servers of a gateway. */
const compilers = new WeakMap<object, SchemaCompiler>();

/** The check in front of one server; none where the configuration says so. The library for it is loaded only then. */
export async function argumentChecks(base: Base, upstream: string): Promise<readonly Policy[]> {
  const mode = base.config.validation.arguments;
  if (mode === "off") return [];
  const { ArgumentCheck } = await import("../../lib/policy/validation/argument_check.ts");
  const log = base.log.child("validation");
  const check = new ArgumentCheck({
    upstream,
    mode,
    compiler: await compilerOf(base),
    report: base.security.report,
    onUncheckable: (tool, reason) =>
      log.warn("arguments are not checked", { upstream, tool, reason }),
  });
  return [check.policy];
}

async function compilerOf({ registry }: Base): Promise<SchemaCompiler> {
  const { SchemaCompiler } = await import("../../lib/policy/validation/schema_compiler.ts");
  const compiler = compilers.get(registry) ?? new SchemaCompiler();
  compilers.set(registry, compiler);
  return compiler;
}
