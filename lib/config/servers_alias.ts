/**
 * `sluice.servers` as another spelling of `sluice.upstreams`.
 *
 * @module
 */
import type { ConfigDocument } from "./document.ts";
import { fileFault } from "./fault.ts";

/**
 * The document with `sluice.upstreams` where it has `sluice.servers`; keys keep their lines.
 *
 * @throws {ConfigError} when it has both
 */
export function withoutAlias(document: ConfigDocument): ConfigDocument {
  const settings = document.value.sluice;
  if (typeof settings !== "object" || settings === null || !Object.hasOwn(settings, "servers")) {
    return document;
  }
  const { servers: upstreams, ...rest } = settings as Record<string, unknown>;
  if (Object.hasOwn(rest, "upstreams")) {
    throw fileFault(
      "sluice.servers and sluice.upstreams are the same",
      "move everything into one of them",
      document.place(["sluice", "servers"]),
    );
  }
  return {
    file: document.file,
    value: { ...document.value, sluice: { ...rest, upstreams } },
    place([first, second, ...others]) {
      const isAlias = first === "sluice" && second === "upstreams";
      const path = [first, isAlias ? "servers" : second, ...others];
      return document.place(path.filter((part) => part !== undefined));
    },
  };
}
