/**
 * Which tools of a server are shown and may be called.
 *
 * @module
 */

/** Patterns of tool names: `*` stands for any characters, `?` for one. */
export interface NameFilter {
  /** Only these; all where it is left out. */
  readonly allow?: readonly string[];
  /** None of these, even if allowed. */
  readonly deny?: readonly string[];
}

/** Whether a filter lets a name through. */
export function isAllowed(filter: NameFilter, name: string): boolean {
  const { allow, deny = [] } = filter;
  if (deny.some((pattern) => matchesGlob(pattern, name))) return false;
  return allow === undefined || allow.some((pattern) => matchesGlob(pattern, name));
}

/**
 * Whether a pattern matches a whole name. Only the last `*` is ever tried again, so it takes at most
 * pattern times name steps.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  let p = 0, n = 0, star = -1, starName = 0;
  while (n < name.length) {
    if (pattern[p] === "*") {
      star = p++;
      starName = n;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++starName;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
