import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { DEFAULTS } from "../../../lib/config/defaults.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { packaged, packagedPath } from "../../fixtures/packaged.ts";

const dockerfile = packaged("docker/Dockerfile");
// Its anchors, merges and all: what Compose reads is YAML.
const compose = parse(packaged("docker/compose.yml"));

/** The arguments of the lines that begin with a word. */
function instructions(word: string): string[] {
  const joined = dockerfile.replace(/\\\n/g, " ");
  return [...joined.matchAll(new RegExp(`^${word} +(.*)$`, "gm"))].map(([, rest]) => rest);
}

Deno.test("the image runs as nobody, and knows whether it is ready", () => {
  assert.match(instructions("USER").at(-1)!, /^[1-9]\d+:[1-9]\d+$/);
  assert.match(instructions("HEALTHCHECK")[0], /CMD \["ready", "8080"\]$/);
  assert.deepEqual(instructions("STOPSIGNAL"), ["SIGTERM"]);
  assert.deepEqual(instructions("ENTRYPOINT"), ['["sluice"]']);
});

Deno.test("the files that the image takes are there, or are built, and nothing else is sent", () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const sources = instructions("COPY").map((rest) => rest.replace(/^--\S+ /, "").split(" ")[0]);
  const ignore = packaged("docker/Dockerfile.dockerignore").trim().split("\n");
  assert.deepEqual(ignore, ["*", ...sources.map((path) => `!${path}`)]);
  for (const path of sources) {
    if (path.startsWith("compiled/out/")) continue;
    assert.ok(Deno.statSync(`${root}${path}`).isFile, path);
  }
});

Deno.test("the settings of the image listen where the image says", async () => {
  const { listen, http } = await loadConfig({ config: packagedPath("docker/sluice.json") }, {});
  assert.deepEqual(listen.map(({ url }) => url.port), instructions("EXPOSE"));
  assert.ok(http.allowedHosts.includes("sluice"), "Prometheus asks under the name of the service");
});

Deno.test("the services of the compose file reach each other, and nobody else reaches them", () => {
  const { sluice, prometheus, grafana } = compose.services;
  for (const { ports } of [sluice, prometheus, grafana]) {
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
  }
  const scrape = parse(packaged("docker/prometheus.yml")).scrape_configs[0].static_configs[0];
  assert.deepEqual(scrape.targets, ["sluice:8080"]);
  const [source] = parse(packaged("docker/grafana/source.yml")).datasources;
  assert.equal(source.url, "http://prometheus:9090");
});

Deno.test("the gateway of the compose file may do nothing that it need not, and has time to drain", () => {
  const { sluice } = compose.services;
  assert.equal(sluice.read_only, true);
  assert.deepEqual(sluice.cap_drop, ["ALL"]);
  assert.deepEqual(sluice.security_opt, ["no-new-privileges:true"]);
  assert.ok(parseInt(sluice.stop_grace_period) * 1000 > DEFAULTS.limits.drainMs);
});

Deno.test("the files that the compose file mounts are there", () => {
  for (const [service, { volumes }] of Object.entries<{ volumes: string[] }>(compose.services)) {
    for (const volume of volumes.filter((text) => text.startsWith("."))) {
      const [path] = volume.split(":");
      assert.ok(Deno.statSync(packagedPath(`docker/${path}`)), `${service}: ${path}`);
    }
  }
});
