/**
 * How much of its machine the process uses.
 *
 * @module
 */
import process from "node:process";
import v8 from "node:v8";

/** What there is to use. */
export interface MachineLimits {
  /** Cores that JavaScript of one process can use: 1, or less where the container gets less. */
  readonly cores: number;
  /** Memory that the process may take, bytes. */
  readonly memoryBytes: number;
  /** Speed of the fastest network interface, bits per second; 0 where nobody knows. */
  readonly networkBitsPerS: number;
}

/** What is used now. */
export interface MachineUse {
  /** CPU time since the start, s. */
  readonly cpuS: number;
  /** Nearer to its limit of resident memory and heap, as a share of it. */
  readonly memoryShare: number;
}

/** Reads the limits once. Where the system does not tell, the machine's own are taken. */
export function machineLimits(): MachineLimits {
  return {
    cores: Math.min(1, controlGroupCores() ?? 1),
    memoryBytes: Math.min(controlGroupBytes() ?? Infinity, Deno.systemMemoryInfo().total),
    networkBitsPerS: networkBitsPerS(),
  };
}

/** Reads what is used now; about 60 us. */
export function machineUse({ memoryBytes }: MachineLimits): MachineUse {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = Deno.memoryUsage();
  const { heap_size_limit } = v8.getHeapStatistics();
  return {
    cpuS: (user + system) / 1e6,
    memoryShare: Math.max(rss / memoryBytes, heapUsed / heap_size_limit),
  };
}

/** CPU quota of the control group, cores: `cpu.max` holds quota and period, or `max`. */
function controlGroupCores(): number | undefined {
  const [quota, period] = (firstLine("/sys/fs/cgroup/cpu.max") ?? "max").split(" ").map(Number);
  return Number.isFinite(quota) && period > 0 ? quota / period : undefined;
}

function controlGroupBytes(): number | undefined {
  const text = firstLine("/sys/fs/cgroup/memory.max") ??
    firstLine("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  const bytes = Number(text ?? "max");
  return Number.isFinite(bytes) && bytes > 0 ? bytes : undefined;
}

function networkBitsPerS(): number {
  let fastest = 0;
  try {
    for (const { name } of Deno.readDirSync("/sys/class/net")) {
      const megabits = Number(firstLine(`/sys/class/net/${name}/speed`) ?? 0);
      if (megabits > fastest) fastest = megabits;
    }
  } catch {
    return 0; // not Linux, or nobody may look
  }
  return fastest * 1e6;
}

/** Of a file of the system, which may not be there, or not be readable: virtual interfaces have no speed. */
function firstLine(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path).split("\n", 1)[0];
  } catch {
    return undefined;
  }
}
