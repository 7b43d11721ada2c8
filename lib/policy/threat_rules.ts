/**
 * Texts that are refused, or reported, wherever they stand in what a client says: script tags and the like, and
 * whatever the configuration adds. Off unless asked for, because honest calls carry code, too.
 *
 * @module
 */
import { identityOf } from "../core/account.ts";
import { GatewayError } from "../core/errors.ts";
import type { Policy } from "../core/handler.ts";
import type { SecurityEvents } from "../core/security_event.ts";
import { EVENT_HANDLERS } from "./event_handlers.ts";
import { type Literal, LiteralSearch } from "./literal_search.ts";

/** What is looked for, and what becomes of it. */
export interface ThreatSettings {
  /** `log` reports and lets pass, `deny` refuses. */
  readonly mode: "off" | "log" | "deny";
  /** Names of the built-in rules that are used. */
  readonly builtin: readonly string[];
  /** Rules of the operator: texts by the name of their rule. */
  readonly rules: Readonly<Record<string, readonly string[]>>;
}

/** Whoever follows a URL leaves out line ends and tabs in it first. */
const URL_RULE = "javascript_url";

/** The rules that the gateway brings along, by name. */
export const BUILTIN_RULES: Readonly<Record<string, readonly Literal[]>> = {
  script_tag: literals("<script", "</script"),
  [URL_RULE]: literals("javascript:", "vbscript:", "data:text/html"),
  event_handler: EVENT_HANDLERS.flatMap((name) => [
    { text: `${name}=`, isWord: true },
    { text: `${name} =`, isWord: true },
  ]),
  template_expression: literals("{{", "${", "#{", "<%", "{%"),
};

function literals(...texts: readonly string[]): Literal[] {
  return texts.map((text) => ({ text }));
}

/** Looks at every request and notification; see the module. */
export class ThreatRules {
  /** The layer: a request is refused, a notification dropped. */
  readonly policy: Policy = (next) => (call) => {
    const { message, request } = call;
    const rule = this.#find(message.bytes);
    if (rule === undefined) return next(call);
    this.#report({
      type: "threat_found",
      address: request.address,
      principal: identityOf(call)?.principal,
      detail: `rule ${rule}`,
    });
    if (this.#isLenient) return next(call);
    return message.kind === "request" ? Promise.reject(refusal(rule)) : Promise.resolve(undefined);
  };
  readonly #report: SecurityEvents;
  #searches: readonly LiteralSearch[] = [];
  #isLenient = true;

  constructor(settings: ThreatSettings, report: SecurityEvents) {
    this.#report = report;
    this.configure(settings);
  }

  /** Other rules from now on. */
  configure({ mode, builtin, rules }: ThreatSettings): void {
    this.#isLenient = mode !== "deny";
    if (mode === "off") this.#searches = [];
    else {
      const used = builtin.map((name) => [name, BUILTIN_RULES[name]] as const);
      const own = Object.entries(rules).map(([name, texts]) => [name, literals(...texts)] as const);
      const [urls, others] = [true, false].map((are) =>
        [...used, ...own].filter(([name]) => (name === URL_RULE) === are)
      );
      this.#searches = [
        ...others.length > 0 ? [new LiteralSearch(others)] : [],
        ...urls.length > 0 ? [new LiteralSearch(urls, true)] : [],
      ];
    }
  }

  #find(bytes: Uint8Array): string | undefined {
    for (const search of this.#searches) {
      const rule = search.find(bytes);
      if (rule !== undefined) return rule;
    }
  }
}

/** Says which rule, not which text: the text is the client's own. */
function refusal(rule: string): GatewayError {
  return new GatewayError(
    "PolicyDenied",
    `Cannot accept request: it holds what rule ${rule} forbids`,
    { data: { outcome: "not_sent", rule } },
  );
}
