import assert from "node:assert/strict";
import fc from "fast-check";
import { LiteralSearch } from "../../lib/policy/literal_search.ts";

const LETTERS = fc.constantFrom(...'abAB<>:= \t\n"\\/é💣\u0130');
const TEXT = fc.array(LETTERS, { maxLength: 40 }).map((letters) => letters.join(""));
const NEEDLE = fc.array(LETTERS, { minLength: 1, maxLength: 4 }).map((letters) => letters.join(""));
/** JSON.parse of V8 (in Deno 2.6.8 and 2.9.6) reads a key of one escaped character as a backslash, at times. */
const KEY = TEXT.filter((text) => text.length !== 1);
const VALUE = fc.letrec((tie) => ({
  value: fc.oneof(
    TEXT,
    fc.integer(),
    fc.array(tie("value")),
    fc.dictionary(KEY, tie("value"), { noNullPrototype: true }),
  ),
})).value;

/** As the search reads a text. */
function folded(text: string): string {
  return text.replace(/[\0- ]+/g, " ").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [
    ...Array.isArray(value) ? [] : [key],
    ...strings(part),
  ]);
}

/** The same JSON with some characters as escapes. */
function escaped(json: string, choose: (index: number) => boolean): string {
  let index = 0;
  return json.replace(/\\(u.{4}|.)|[^"\\{}[\],:0-9-]/gsu, (token) => {
    if (token.length > 1 && token.startsWith("\\")) return token;
    if (!choose(index++)) return token;
    return [...token].flatMap((c) => [...Array(c.length).keys()].map((i) => c.charCodeAt(i)))
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}

Deno.test("LiteralSearch finds a text exactly where a parser would have it, whatever is escaped", () => {
  fc.assert(
    fc.property(
      VALUE,
      fc.array(NEEDLE, { minLength: 1, maxLength: 5 }),
      fc.infiniteStream(fc.boolean()),
      (value, needles, choices) => {
        const search = new LiteralSearch(needles.map((text, i) => [`${i}`, [{ text }]]));
        const json = escaped(JSON.stringify(value), () => choices.next().value!);
        assert.equal(JSON.stringify(JSON.parse(json)), JSON.stringify(value));
        const rule = search.find(new TextEncoder().encode(json));
        const isThere = strings(value).some((text) =>
          needles.some((needle) => folded(text).includes(folded(needle)))
        );
        assert.equal(rule !== undefined, isThere, json);
        if (rule === undefined) return;
        const needle = folded(needles[Number(rule)]);
        assert.ok(strings(value).some((text) => folded(text).includes(needle)), `${json} ${rule}`);
      },
    ),
    { numRuns: 1_000 },
  );
});
