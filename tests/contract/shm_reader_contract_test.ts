import { openExport } from "../../lib/shm/node_reader.mjs";
import type { ExportReader } from "../../lib/shm/following_reader.ts";
import { mayCallLibc } from "../../lib/shm/libc.ts";
import { openMmapReader } from "../../lib/shm/mmap_reader.ts";
import { openPreadReader } from "../../lib/shm/pread_reader.ts";
import { findPublished } from "../../lib/shm/published.ts";
import {
  C_COMPILER,
  compileReader,
  fixture,
  NODE,
  Peer,
  ShmFolder,
  skipping,
} from "../fixtures/shm_scene.ts";
import { type ContractReader, type ReaderKind, shmReaderContract } from "./shm_reader_contract.ts";

function following(open: (path: string) => ExportReader): ReaderKind["open"] {
  return (path) => {
    const reader = open(path);
    return Promise.resolve({
      get: (type, key) => Promise.resolve(reader.get(type, key)?.data),
      keys: () => Promise.resolve(reader.names().map(({ type, key }) => `${type}:${key}`)),
      look: () => Promise.resolve(reader.info().problem === undefined),
      [Symbol.asyncDispose]: () => Promise.resolve(reader[Symbol.dispose]()),
    });
  };
}

function nodeReaderHere(path: string): Promise<ContractReader> {
  const reader = openExport(path, { checkIntervalMs: 0 });
  return Promise.resolve({
    get: (type, key) => Promise.resolve(reader.get(type, key)?.data),
    keys: () => Promise.resolve(reader.keys()),
    look: () => Promise.resolve(reader.info().problem === undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(reader.close()),
  });
}

/** In real Node, over lines of JSON. */
function nodeReaderThere(path: string): Promise<ContractReader> {
  const peer = new Peer([NODE!, fixture("shm_node_peer.mjs"), path, "ask"]);
  const ask = async (question: unknown) => {
    await peer.tell(JSON.stringify(question));
    return JSON.parse((await peer.line())!);
  };
  return Promise.resolve({
    async get(type, key) {
      const base64: string | null = await ask({ type, key });
      return base64 === null ? undefined : Uint8Array.fromBase64(base64);
    },
    keys: () => ask({ keys: true }),
    look: async () => await ask({ problem: true }) === null,
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]();
    },
  });
}

/** A process for each question. */
async function readerInC(path: string): Promise<ContractReader> {
  const folder = new ShmFolder();
  const program = await compileReader(folder.path);
  const run = (...args: string[]) => new Deno.Command(program, { args: [path, ...args] }).output();
  return {
    async get(type, key) {
      const { code, stdout } = await run("get", type, key);
      return code === 0 ? new Uint8Array(stdout) : undefined;
    },
    async keys() {
      const lines = new TextDecoder().decode((await run("keys")).stdout).split("\n").slice(0, -1);
      return lines.map((line) => line.replace(" ", ":"));
    },
    look: async () => (await run("keys")).code === 0,
    [Symbol.asyncDispose]: () => Promise.resolve(folder[Symbol.dispose]()),
  };
}

/** Knows magic, version, index and entries, and reads the file anew for each lookup. */
function publishedOnly(path: string): Promise<ContractReader> {
  return Promise.resolve({
    get(type, key) {
      let bytes: Uint8Array;
      try {
        bytes = Deno.readFileSync(path);
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
        return Promise.resolve(undefined);
      }
      const place = findPublished(bytes, `${type}:${key}`);
      return Promise.resolve(place && bytes.slice(place.dataStart, place.dataEnd));
    },
    keys: () => Promise.resolve(undefined),
    look: () => Deno.stat(path).then(() => true, () => false),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

const withoutLibc = mayCallLibc() ? undefined : "it takes Linux and FFI";
const withoutNode = NODE === undefined ? "there is no node" : undefined;
const withoutCompiler = C_COMPILER === undefined ? "there is no C compiler" : undefined;
const always = { checkIntervalMs: 0 };
const kinds: ReaderKind[] = [
  {
    name: "mmap reader",
    skipped: withoutLibc,
    open: following((path) => openMmapReader(path, always)),
  },
  { name: "pread reader", open: following((path) => openPreadReader(path, always)) },
  { name: "Node reader in Deno", open: nodeReaderHere },
  { name: "Node reader in Node", skipped: withoutNode, open: nodeReaderThere },
  { name: "reader in C", skipped: withoutCompiler, open: readerInC },
  { name: "reader of the published layout", indexOnly: true, open: publishedOnly },
];
for (const kind of kinds) {
  skipping(kind.name, kind.skipped);
  if (Deno.build.os !== "windows") shmReaderContract(kind);
}
