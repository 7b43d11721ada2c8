import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import manifest from "../../../deno.json" with { type: "json" };
import { DEFAULTS } from "../../../lib/config/defaults.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { packaged } from "../../fixtures/packaged.ts";

// deno-lint-ignore no-explicit-any -- the manifests say what they are; the tests look into them
type Manifest = any;

/** The documents of a file. */
function manifests(name: string): Manifest[] {
  const documents = parseAllDocuments(packaged(`kubernetes/${name}`));
  for (const { errors } of documents) assert.deepEqual(errors, [], name);
  return documents.map((document) => document.toJS());
}

/** The one of a file. */
function manifestOf(name: string, kind: string): Manifest {
  const [first, ...others] = manifests(name);
  assert.equal(others.length, 0, name);
  assert.equal(first.kind, kind);
  return first;
}

const deployment = manifestOf("deployment.yaml", "Deployment");
const pod = deployment.spec.template.spec;
const [container] = pod.containers;
const settings: string = manifestOf("configmap.yaml", "ConfigMap").data["sluice.json"];

/** The settings of the ConfigMap, as the gateway reads them. */
async function config() {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(file, settings);
    return await loadConfig({ config: file }, {});
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("the kustomization names every manifest", () => {
  const named: string[] = manifestOf("kustomization.yaml", "Kustomization").resources;
  const folder = new URL("../../../packaging/kubernetes/", import.meta.url);
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
  assert.deepEqual([...named, "kustomization.yaml"].sort(), files.sort());
});

Deno.test("every manifest is of the one application", () => {
  const selector = deployment.spec.selector.matchLabels;
  assert.deepEqual(deployment.spec.template.metadata.labels, selector);
  assert.deepEqual(manifestOf("service.yaml", "Service").spec.selector, selector);
  const budget = manifestOf("pdb.yaml", "PodDisruptionBudget");
  assert.deepEqual(budget.spec.selector.matchLabels, selector);
  const scaler = manifestOf("hpa.yaml", "HorizontalPodAutoscaler");
  assert.equal(scaler.spec.scaleTargetRef.name, deployment.metadata.name);
  assert.ok(scaler.spec.minReplicas > budget.spec.maxUnavailable);
  assert.equal(deployment.spec.replicas, undefined, "the autoscaler says how many");
});

Deno.test("the ports lead from the ingress to the listener of the settings", async () => {
  const { listen } = await config();
  const [port] = container.ports;
  assert.deepEqual(listen.map(({ url }) => url.port), [String(port.containerPort)]);
  const [service] = manifestOf("service.yaml", "Service").spec.ports;
  assert.equal(service.targetPort, port.name);
  const ingress = manifestOf("ingress.yaml", "Ingress");
  for (const { backend } of ingress.spec.rules[0].http.paths) {
    assert.deepEqual(backend.service, { name: "sluice", port: { name: service.name } });
  }
});

Deno.test("the settings admit the host of the ingress, and believe no more than private networks", async () => {
  const { http, auth } = await config();
  const ingress = manifestOf("ingress.yaml", "Ingress");
  const [{ host }] = ingress.spec.rules;
  assert.ok(http.allowedHosts.includes(host));
  assert.deepEqual(ingress.spec.tls[0].hosts, [host]);
  assert.equal(new URL(auth.publicUrl).host, host);
  assert.deepEqual(http.trustedProxies, ["10.0.0.0/8"]);
  assert.ok(Object.keys(auth.clients).length > 0, "nobody is let in unasked");
});

Deno.test("a pod has the time to leave the service and to drain", async () => {
  const { limits } = await config();
  const [program, seconds] = container.lifecycle.preStop.exec.command;
  assert.equal(program, "sleep");
  const readiness = container.readinessProbe;
  assert.ok(Number(seconds) >= readiness.periodSeconds);
  const neededS = Number(seconds) + limits.drainMs / 1000;
  assert.ok(pod.terminationGracePeriodSeconds > neededS, `${neededS} s are needed`);
});

Deno.test("the probes ask what the gateway answers", () => {
  const { startupProbe, livenessProbe, readinessProbe } = container;
  assert.equal(startupProbe.httpGet.path, "/health");
  assert.equal(livenessProbe.httpGet.path, "/health", "a pod that drains is alive");
  assert.equal(readinessProbe.httpGet.path, "/ready");
  for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
    assert.equal(httpGet.port, container.ports[0].name);
  }
});

Deno.test("a pod may do nothing that it need not", () => {
  const { securityContext } = container;
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.match(
    packaged("docker/Dockerfile"),
    new RegExp(`^USER ${pod.securityContext.runAsUser}:`, "m"),
  );
  assert.equal(pod.automountServiceAccountToken, false);
  assert.equal(securityContext.readOnlyRootFilesystem, true);
  assert.equal(securityContext.allowPrivilegeEscalation, false);
  assert.deepEqual(securityContext.capabilities, { drop: ["ALL"] });
  assert.ok(pod.volumes.some(({ name }: Manifest) => name === "tmp"), "somewhere to write");
});

Deno.test("the image has the version of the project", () => {
  assert.equal(container.image.split(":")[1], manifest.version);
});

Deno.test("the ingress neither buffers nor cuts nor repeats", () => {
  const annotations = manifestOf("ingress.yaml", "Ingress").metadata.annotations;
  const annotation = (name: string) => annotations[`nginx.ingress.kubernetes.io/${name}`];
  assert.equal(annotation("proxy-buffering"), "off");
  assert.equal(annotation("proxy-request-buffering"), "off");
  assert.equal(annotation("proxy-next-upstream"), "off");
  for (const name of ["proxy-read-timeout", "proxy-send-timeout"]) {
    assert.ok(Number(annotation(name)) * 1000 > 2 * DEFAULTS.http.heartbeatMs, name);
  }
  const bodyMib = /^(\d+)m$/.exec(annotation("proxy-body-size"))?.[1];
  assert.ok(Number(bodyMib) * 2 ** 20 > DEFAULTS.limits.messageBytes);
});
