/**
 * What is allowed but worth a second look.
 *
 * @module
 */
import { isOpen } from "./auth_config.ts";
import { isLoopback, redactUrl, shortUrl } from "./endpoints.ts";
import type { GatewayConfig } from "./gateway_config.ts";

/** Warnings about listeners and upstreams that work but may not be meant. */
export function warningsAbout(
  config: Pick<GatewayConfig, "listen" | "upstreams" | "http" | "auth">,
): string[] {
  const warnings: string[] = [];
  for (const endpoint of config.listen) {
    if (isLoopback(endpoint) || endpoint.url.searchParams.has("clientCa")) continue;
    if (!isOpen(config.auth, endpoint)) continue;
    warnings.push(
      `other machines can reach ${shortUrl(endpoint.url)}, which asks for no authentication; ` +
        "listen on 127.0.0.1, or give clients keys or tokens (auth)",
    );
  }
  const ways = config.upstreams.flatMap(({ name, endpoints }) =>
    endpoints.map(({ endpoint }) => ({ name, endpoint }))
  );
  for (const { name, endpoint } of ways) {
    const hasSecret = Object.keys(endpoint.headers ?? {}).some((header) =>
      /^(authorization|cookie|.*(key|token|secret).*)$/i.test(header)
    );
    if (hasSecret && endpoint.url.protocol === "http:" && !isLoopback(endpoint)) {
      warnings.push(
        `the headers of upstream ${name} go unencrypted to ${
          redactUrl(endpoint.url.href)
        }; use https`,
      );
    }
  }
  if (config.http.allowedHosts.includes("*") || config.http.allowedOrigins.includes("*")) {
    warnings.push(
      "* in http.allowedHosts or http.allowedOrigins lets any web page reach the gateway",
    );
  }
  return warnings;
}
