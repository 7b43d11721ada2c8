/**
 * The version of this program, from its single place: deno.json.
 *
 * @module
 */
import manifest from "../deno.json" with { type: "json" };

/** Version, `1.2.3`. */
export const VERSION: string = manifest.version;
