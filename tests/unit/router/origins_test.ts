import assert from "node:assert/strict";
import { exposedName } from "../../../lib/router/names.ts";
import { Origins } from "../../../lib/router/origins.ts";

function origins(): Origins {
  return new Origins(() => new Map([["git", "github"]]), () => new Map([["git", "github"]]));
}

Deno.test("named() reads most names, and remembers those that had to be changed", () => {
  const known = origins();
  assert.deepEqual(known.named("git__search"), { name: "search", servers: ["github"] });
  assert.equal(known.named("other__search"), undefined);
  assert.equal(known.named("search"), undefined);
  const strange = "déjà vu";
  const exposed = exposedName("git", strange);
  assert.equal(known.named(exposed), undefined, "only a list tells");
  known.noteNamed(exposed, strange);
  assert.deepEqual(known.named(exposed), { name: strange, servers: ["github"] });
});

Deno.test("resource() knows whose a URI is once it was listed, and what a scheme says", () => {
  const known = origins();
  assert.equal(known.resource("file:///a"), undefined);
  known.noteResource("file:///a", "files");
  known.noteResource("file:///a", "github");
  known.noteResource("file:///a", "files");
  assert.deepEqual(known.resource("file:///a"), {
    name: "file:///a",
    servers: ["files", "github"],
  });
  assert.deepEqual(known.resource("git+file:///b"), { name: "file:///b", servers: ["github"] });
  assert.equal(known.resource("svn+file:///b"), undefined);
});
