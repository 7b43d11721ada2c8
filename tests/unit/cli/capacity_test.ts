import assert from "node:assert/strict";
import fc from "fast-check";
import { run } from "../../../cli/commands.ts";
import { capacity, capacityOf, type Load } from "../../../cli/capacity.ts";
import {
  BASE_MIB,
  CONNECTION,
  CPU_SHARE_MAX,
  SERVERS,
  TRANSPORTS,
} from "../../../cli/capacity_figures.ts";

const LOAD: Load = {
  clients: 1000,
  calls: 1,
  messageBytes: 1024,
  callMs: 50,
  transport: "http",
  servers: "shared",
  serverMib: 60,
  memoryMib: 4096,
  cores: 2,
};

Deno.test("capacityOf() multiplies what was measured", () => {
  const needed = capacityOf(LOAD);
  const { http } = CONNECTION, { shared } = SERVERS;
  const microseconds = http.microseconds + shared.microseconds + 2 * shared.kibMicroseconds;
  assert.equal(needed.callsPerSecond, 1000);
  assert.equal(needed.callsOpen, 50);
  assert.equal(needed.cpuMicrosecondsPerCall, microseconds);
  assert.equal(needed.coresBusy, microseconds * 1000 / 1e6);
  assert.equal(needed.workers, 1);
  assert.ok(needed.gatewayMib > BASE_MIB + (http.kib + shared.kib) * 1000 / 1024);
  assert.equal(needed.serverProcesses, 1);
  assert.equal(needed.machines, 1);
});

Deno.test("capacityOf() counts processes by how servers are shared", () => {
  const processes = (servers: Load["servers"]) => capacityOf({ ...LOAD, servers }).serverProcesses;
  assert.equal(processes("builtin"), 0);
  assert.equal(processes("url"), 0);
  assert.equal(processes("shared"), 1);
  assert.equal(processes("pool"), 50, "as many as calls are open");
  assert.equal(processes("session"), 1000);
  assert.equal(capacityOf({ ...LOAD, servers: "session" }).limitedBy, "MiB");
});

const loads: fc.Arbitrary<Load> = fc.record({
  clients: fc.integer({ min: 1, max: 100_000 }),
  calls: fc.integer({ min: 1, max: 100 }),
  messageBytes: fc.integer({ min: 1, max: 65_536 }),
  callMs: fc.integer({ min: 0, max: 10_000 }),
  transport: fc.constantFrom(...TRANSPORTS),
  servers: fc.constantFrom("builtin", "url", "shared", "pool", "session"),
  serverMib: fc.integer({ min: 0, max: 200 }),
  memoryMib: fc.constant(1_000_000),
  cores: fc.integer({ min: 1, max: 64 }),
});

Deno.test("capacityOf() gives machines that carry the load, and no more than that", () => {
  fc.assert(fc.property(loads, (load) => {
    const { machines, clientsPerMachine, workers, coresBusy } = capacityOf(load);
    assert.ok(machines >= 1);
    assert.ok(workers * CPU_SHARE_MAX >= coresBusy - 1e-9);
    if (machines === 1) return;
    // Workers are whole: at most one of them is not used up.
    assert.ok(machines * (clientsPerMachine + 1) + load.clients / machines >= load.clients);
    assert.ok(
      workers > (machines - 1) * load.cores || clientsPerMachine * (machines - 1) < load.clients,
    );
  }));
});

Deno.test("capacityOf() never needs less for more clients", () => {
  fc.assert(fc.property(loads, (load) => {
    const less = capacityOf(load), more = capacityOf({ ...load, clients: load.clients + 1000 });
    for (const key of ["machines", "workers", "gatewayMib", "serversMib", "descriptors"] as const) {
      assert.ok(more[key] >= less[key], key);
    }
  }));
});

Deno.test("capacity() prints a table with its assumptions, or JSON", () => {
  const text = capacity({ clients: "50000", transport: "ws" });
  assert.match(text, /calls +│ 50,000\/s/);
  assert.match(text, /^- .*limits.sessions has to be raised/m);
  const { load, needed, assumptions } = JSON.parse(capacity({ clients: "50000", json: true }));
  assert.equal(load.clients, 50_000);
  assert.equal(needed.callsPerSecond, 50_000);
  assert.ok(assumptions.length > 0);
});

Deno.test("run() refuses capacities that cannot be", async () => {
  const golden: [string[], string][] = [
    [
      ["--clients", "0"],
      "Cannot read command line: --clients is no number of that kind; give one from 1",
    ],
    [
      ["--calls", "many"],
      "Cannot read command line: --calls is no number of that kind; give one from 0",
    ],
    [
      ["--memory-mib", "100"],
      "Cannot calculate: a machine of 100 MiB holds no client; give more --memory-mib",
    ],
  ];
  for (const [flags, line] of golden) {
    let stderr = "";
    const output = { stdout: () => {}, stderr: (text: string) => stderr += text };
    assert.equal(await run(["capacity", ...flags], output), 2);
    assert.equal(stderr, `sluice: ${line}\n`);
  }
});
