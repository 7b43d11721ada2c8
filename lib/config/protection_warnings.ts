/**
 * What is allowed of the settings that guard the gateway, but worth a second look.
 *
 * @module
 */
import { isLoopback, shortUrl } from "./endpoints.ts";
import type { GatewayConfig } from "./gateway_config.ts";

/** What the warnings are about. */
export type ProtectionSettings = Pick<
  GatewayConfig,
  "listen" | "http" | "rate" | "suspicion" | "threats" | "deny"
>;

/** A network of so few bits is most of the internet. */
const PREFIX_BITS_MIN = 8;

/** Warnings about protection that is off, or that anybody can turn against others. */
export function protectionWarnings(config: ProtectionSettings): string[] {
  const { listen, http, rate, suspicion, threats, deny } = config;
  const open = listen.filter((endpoint) => !isLoopback(endpoint));
  const warnings: string[] = [];
  if (open.length > 0 && !rate.enabled) {
    warnings.push(
      `rate.enabled is false: whoever reaches ${shortUrl(open[0].url)} may call without end`,
    );
  }
  if (open.length > 0 && !suspicion.enabled) {
    warnings.push("suspicion.enabled is false: clients may go on guessing credentials");
  }
  for (const network of http.trustedProxies.filter(isWide)) {
    warnings.push(
      `http.trustedProxies holds ${network}: anybody there can name any address in X-Forwarded-For, ` +
        "and pass every limit of addresses",
    );
  }
  if ((rate.loopback || suspicion.loopback) && !http.trustedProxies.some(isOfThisMachine)) {
    warnings.push(
      "rate.loopback or suspicion.loopback counts all clients of this machine as one, those of a proxy " +
        "there included; name the proxy in http.trustedProxies",
    );
  }
  if (deny.addresses.some(isOfThisMachine)) {
    warnings.push("deny.addresses holds this machine: what runs here cannot use the gateway");
  }
  if (threats.mode === "deny" && threats.builtin.length > 0) {
    warnings.push(
      "threats.mode is deny with built-in rules: calls that carry code, templates or HTML are refused",
    );
  }
  return warnings;
}

function isWide(network: string): boolean {
  const bits = network.split("/")[1];
  return bits !== undefined && Number(bits) < PREFIX_BITS_MIN;
}

function isOfThisMachine(network: string): boolean {
  return network.startsWith("127.") || network.startsWith("::1");
}
