/**
 * Settings of what operators use: the admin routes, the dashboard, and optimisations that can be turned off.
 *
 * @module
 */
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { about, count } from "./schema_parts.ts";

const D = DEFAULTS.admin;

const TOKEN = /^(sha256:[0-9a-f]{64}|\$\{(env:)?[A-Za-z_][A-Za-z0-9_]*\})$/i;

const isAdminUrl = (text: string) =>
  text === "" || (URL.canParse(text) && /^https?:\/\//.test(text));

/** `sluice.admin`. */
export const admin = z.strictObject({
  listen: about(
    z.string().refine(isAdminUrl, { error: "is no address; give http://HOST:PORT or https://..." })
      .default(D.listen),
    {
      description:
        "address of its own for the admin routes, metrics and dashboard; empty for every HTTP listener",
      unit: "URL",
    },
  ),
  tokens: about(
    z.record(
      z.string().min(1),
      z.string().regex(TOKEN, {
        error: "is neither a digest nor a variable; give sha256: and 64 digits, or ${VARIABLE}",
      }),
    ).default({ ...D.tokens }),
    {
      description:
        "tokens of operators by name, `sha256:HEX` or `${VARIABLE}`; without one only this machine is answered",
    },
  ),
  protect: about(z.array(z.enum(["metrics", "health"])).default([...D.protect]), {
    description: "public routes that ask for a token as the others do: metrics, health",
  }),
  viewers: count(1, 1000, D.viewers, "dashboards open at once", "viewers"),
  idleCleanupS: count(
    1,
    86_400,
    D.idleCleanupS,
    "POST /mcp/admin/cleanup ends sessions that were idle for so long",
    "s",
  ),
  profileFolder: about(z.string().default(D.profileFolder), {
    description: "where profiles and heap snapshots are written; empty for the temporary folder",
    unit: "path",
  }),
});

/** `sluice.features`. */
export const features = z.record(
  z.string(),
  about(z.union([z.boolean(), z.number().min(0).max(100)]), {
    description: "whether clients have this optimisation, or how many of a hundred",
    unit: "true, false or a number from 0 to 100",
  }),
).default({});
