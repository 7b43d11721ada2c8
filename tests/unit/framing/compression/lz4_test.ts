import assert from "node:assert/strict";
import { xxh32 } from "./xxh32.ts";
import { lz4, lz4Block } from "../../../../lib/framing/compression/lz4.ts";

const MAGIC = Uint8Array.of(0x04, 0x22, 0x4d, 0x18);
/** Version 1, independent blocks, no checksums; blocks of at most 4 MiB. */
const DESCRIPTOR = Uint8Array.of(0x60, 0x70);

const words = ["name", "description", "inputSchema", "type", "string", "properties", "required"];
const samples: Uint8Array[] = [
  new Uint8Array(0),
  ...[1, 5, 12, 13, 14, 20, 64, 300].map((length) => new Uint8Array(length)),
  ...[1000, 70_000, 300_000].map((length) =>
    crypto.getRandomValues(new Uint8Array(length % 65_536))
  ),
  ...[30, 1000, 70_000, 1_500_000].map(prose),
  Uint8Array.from({ length: 5000 }, (_, i) => i % 3), // a match that overlaps itself
  Uint8Array.from({ length: 5000 }, (_, i) => i % 251),
];

/** JSON-like text of about so many bytes, always the same. */
function prose(byteLength: number): Uint8Array {
  let text = "", state = 1;
  while (text.length < byteLength) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += `{"${words[state >>> 16 & 7] ?? "enum"}":${state % 1000}},`;
  }
  return new TextEncoder().encode(text.slice(0, byteLength));
}

async function hasLz4(): Promise<boolean> {
  try {
    return (await new Deno.Command("lz4", { args: ["--version"], stdout: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

async function lz4Tool(args: string[], input: Uint8Array): Promise<Uint8Array> {
  const tool = new Deno.Command("lz4", {
    args: [...args, "-", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = tool.stdin.getWriter();
  const [output] = await Promise.all([
    tool.output(),
    writer.write(new Uint8Array(input)).then(() => writer.close()),
  ]);
  assert.equal(output.code, 0, new TextDecoder().decode(output.stderr));
  return output.stdout;
}

/** One block as an LZ4 frame (doc/lz4_Frame_format.md). */
function frameOf(block: Uint8Array): Uint8Array {
  const descriptorSum = xxh32(DESCRIPTOR) >>> 8 & 255;
  const frame = new Uint8Array(MAGIC.length + 3 + 4 + block.length + 4);
  frame.set(MAGIC);
  frame.set(DESCRIPTOR, 4);
  frame[6] = descriptorSum;
  new DataView(frame.buffer).setUint32(7, block.length, true);
  frame.set(block, 11);
  return frame;
}

/** The only block of a frame that the tool made with independent blocks and no checksums. */
function blockOf(frame: Uint8Array): Uint8Array | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset);
  assert.equal(frame[4] & 0x1c, 0, "no checksums and no content size");
  const size = view.getUint32(7, true);
  return size >>> 31 === 1 ? undefined : frame.subarray(11, 11 + size); // the top bit: stored as it is
}

const withTool = await hasLz4();

Deno.test({
  name: "lz4Block() makes blocks that the lz4 tool reads",
  ignore: !withTool,
  async fn() {
    for (const plain of samples) {
      const back = await lz4Tool(["-d"], frameOf(lz4Block(plain)));
      assert.deepEqual(back, plain);
    }
  },
});

Deno.test({
  name: "lz4 reads blocks that the lz4 tool makes",
  ignore: !withTool,
  async fn() {
    for (const level of ["-1", "-9", "-12"]) {
      for (const plain of samples.filter(({ length }) => length > 100)) {
        const frame = await lz4Tool([level, "-B7", "-BI", "--no-frame-crc"], plain);
        const block = blockOf(frame);
        if (block !== undefined) assert.deepEqual(lz4.inflate(block, plain.length), plain);
      }
    }
  },
});

Deno.test("lz4Block() obeys the rules for the end of a block", () => {
  for (const plain of samples) {
    const block = lz4Block(plain);
    const { lastLiterals, lastMatchStart } = walk(block);
    assert.ok(lastLiterals >= Math.min(5, plain.length));
    if (lastMatchStart !== undefined) assert.ok(lastMatchStart <= plain.length - 12);
  }
});

Deno.test("lz4Block() leaves the space that was asked for, and forgets earlier blocks", () => {
  const text = prose(3000);
  const first = lz4Block(text);
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(lz4Block(prose(100 + i)), lz4Block(prose(100 + i), 0));
    assert.deepEqual(lz4Block(text, 7).subarray(7), first);
  }
});

Deno.test("lz4 refuses offsets before the beginning, lengths without end and blocks of another length", () => {
  const refused = (bytes: number[], plainBytes: number) =>
    assert.throws(() => lz4.inflate(Uint8Array.from(bytes), plainBytes));
  refused([], 0);
  refused([0x10, 0x61, 2, 0, 0], 20); // offset 2 with one byte written
  refused([0x10, 0x61, 0, 0, 0], 20); // offset 0
  refused([0x10, 0x61, 1], 20); // half an offset
  refused([0xf0], 15); // a length that does not end
  refused([0xf0, 255, 255, 255], 1000);
  refused([0x1f, 0x61, 1, 0, 255, 255], 1000);
  refused([0x50, 0x61], 5); // fewer literals than announced
  refused([0x20, 0x61, 0x62], 1);
  refused([0x20, 0x61, 0x62], 3);
  refused([0x10, 0x61, 1, 0], 5); // a match at the end
  assert.deepEqual(
    lz4.inflate(Uint8Array.of(0x10, 0x61, 1, 0, 0x10, 0x62), 6),
    new TextEncoder().encode("aaaaab"),
  );
});

/** Reads a sound block by the letter of the format. */
function walk(block: Uint8Array): { lastLiterals: number; lastMatchStart: number | undefined } {
  let pos = 0, at = 0, lastMatchStart: number | undefined;
  const rest = (length: number) => {
    if (length < 15) return length;
    let more;
    do length += more = block[pos++]; while (more === 255);
    return length;
  };
  for (;;) {
    const token = block[pos++];
    const literals = rest(token >>> 4);
    pos += literals;
    at += literals;
    if (pos >= block.length) return { lastLiterals: literals, lastMatchStart };
    lastMatchStart = at;
    pos += 2;
    at += rest(token & 15) + 4;
  }
}
