import assert from "node:assert/strict";
import { METRIC_GROUPS } from "../../lib/telemetry/metric_questions.ts";
import { EndpointProcess } from "../fixtures/endpoint_process.ts";
import { until } from "../fixtures/gateway_process.ts";
import { PrometheusProcess } from "../fixtures/prometheus_process.ts";
import { needing, promtool } from "../fixtures/promtool.ts";
import { openSession, post, startWorkers } from "../fixtures/workers_scene.ts";

const FOLDER = new URL("../../docs/operations/", import.meta.url).pathname;
const WORKERS = 2;

Deno.test({
  ...needing("promtool", "promtool takes docs/operations/alerts.yml, and its tests pass"),
  async fn() {
    const checked = await promtool(["check", "rules", `${FOLDER}alerts.yml`]);
    assert.equal(checked.code, 0, checked.said);
    const tested = await promtool(["test", "rules", `${FOLDER}alerts_test.yml`]);
    assert.equal(tested.code, 0, tested.said);
  },
});

Deno.test({
  ...needing(
    "prometheus",
    "Prometheus scrapes two workers, and a server that dies fires its alert",
  ),
  async fn() {
    await using server = await EndpointProcess.start();
    await using gateway = await startWorkers(WORKERS, {
      args: ["--upstream", `files=${server.http}`],
    });
    await using prometheus = await PrometheusProcess.start(new URL(gateway.url).host);
    const session = await openSession(gateway.url);
    const call = (id: number) => post(gateway.url, { id, method: "tools/list" }, session);
    assert.ok((await call(1)).body.result);
    const answered = () => prometheus.value("sluice_workers_answered");
    await until(async () => await answered() === WORKERS, "a scrape of both workers");
    assert.equal(await prometheus.value('sum(up{job="sluice"})'), 1);
    assert.equal(await prometheus.value('sluice_circuit_state{upstream="files"}'), 0);
    const { groups } = await prometheus.ask("rules");
    const broken = groups.flatMap(({ rules }: { rules: { health: string; name: string }[] }) =>
      rules.filter(({ health }) => health === "err").map(({ name }) => name)
    );
    assert.deepEqual(broken, []);
    assert.deepEqual((await prometheus.alerts()).map(({ labels }) => labels.alertname), []);

    await server.kill();
    let calls = 1;
    const isFiring = async () => {
      await call(++calls); // the circuit opens for what is tried
      const alerts = await prometheus.alerts();
      return alerts.some(({ state, labels }) =>
        state === "firing" && labels.alertname === "SluiceCircuitOpen" &&
        labels.upstream === "files"
      );
    };
    await until(isFiring, "the alert of the open circuit");
    await server.restart();
    await until(async () => {
      await call(++calls);
      const alerts = await prometheus.alerts();
      return alerts.every(({ labels }) => labels.alertname !== "SluiceCircuitOpen");
    }, "the end of the alert");
  },
});

Deno.test({
  ...needing(
    "promtool",
    "promtool takes what two workers that were busy show, and all of it is documented",
  ),
  async fn() {
    const shm = await Deno.makeTempDir();
    await using server = await EndpointProcess.start();
    await using gateway = await startWorkers(WORKERS, {
      args: ["--upstream", `files=${server.http}`, "--shm", `${shm}/export`],
    });
    const session = await openSession(gateway.url);
    for (const method of ["tools/list", "tools/list", "nonsense", "ping"]) {
      await post(gateway.url, { id: method, method }, session);
    }
    const text = await (await fetch(new URL("/metrics", gateway.url))).text();
    const { code, said } = await promtool(["check", "metrics"], text);
    assert.equal(said, "");
    assert.equal(code, 0);
    const known = new Set(METRIC_GROUPS.flatMap(({ questions }) => Object.keys(questions)));
    const shown = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    assert.deepEqual(shown.filter((name) => !known.has(name)), []);
    assert.ok(shown.length >= 50, `${shown.length} metrics`);
    await gateway[Symbol.asyncDispose]();
    await Deno.remove(shm, { recursive: true });
  },
});
