/**
 * What comes in on a connection, and what must come back: JSON-RPC 2.0 as MCP narrows it, and the traps in
 * it. The server behind must have a tool `echo` that answers with its request as received when its argument
 * `fault` is `raw` (`faulty_server.ts`).
 *
 * @module
 */

/** One message, or what is none. */
export interface RpcCase {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Status over HTTP; 202 means that nothing is answered on any transport. */
  readonly status: number;
  /** Code of the error; absent for a result. */
  readonly code?: number;
  /** Raw text of the id that must come back. */
  readonly id?: string;
  /** What the server must have received, byte for byte, somewhere in its request. */
  readonly forwarded?: string;
}

const encoder = new TextEncoder();

function call(id: string, extra = ""): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":` +
    `{"name":"echo","arguments":{"nonce":"n"${extra}}}}`;
}

function bytesOf(text: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return typeof text === "string" ? encoder.encode(text) : text;
}

/** The call whose nonce consists of these bytes. */
function withNonce(...nonce: number[]): Uint8Array<ArrayBuffer> {
  const [before, after] = call("1").split('"n"');
  return new Uint8Array([
    ...encoder.encode(`${before}"`),
    ...nonce,
    ...encoder.encode(`"${after}`),
  ]);
}

function utf16(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array([0xff, 0xfe, ...[...text].flatMap((c) => [c.charCodeAt(0), 0])]);
}

function answered(name: string, id: string): RpcCase {
  return { name, bytes: bytesOf(call(id)), status: 200, id };
}

function forwarded(name: string, text: string): RpcCase {
  const bytes = bytesOf(call("1", `,"fault":"raw"${text}`));
  return { name, bytes, status: 200, id: "1", forwarded: text };
}

function refused(
  name: string,
  code: number,
  text: string | Uint8Array<ArrayBuffer>,
  id = "null",
): RpcCase {
  return { name, bytes: bytesOf(text), status: 400, code, id };
}

function silent(name: string, text: string): RpcCase {
  return { name, bytes: bytesOf(text), status: 202 };
}

const PARSE = -32700, INVALID = -32600;
const LONG = "a".repeat(1 << 20);

const IDS: readonly RpcCase[] = [
  answered("an integer", "7"),
  answered("zero", "0"),
  answered("a negative integer", "-3"),
  answered("minus zero", "-0"),
  answered("an integer with a fraction of zeros", "1.0"),
  answered("2^53 + 1", "9007199254740993"),
  answered("an integer of 30 digits", "123456789012345678901234567890"),
  answered("a string", '"a"'),
  answered("an empty string", '""'),
  answered("a string of digits", '"7"'),
  answered("a string with escapes", '"\\u00e9\\ud83d\\ude00\\n"'),
  answered("a string outside ASCII", '"é😀\u2028"'),
  answered("a lone surrogate", '"\\udc00"'),
  answered("a string of 1022 bytes", `"${"x".repeat(1022)}"`),
  refused("an id of 1.5", INVALID, call("1.5")),
  refused("an id of 1e3", INVALID, call("1e3")),
  refused("an id of null", INVALID, call("null")),
  refused("an id of true", INVALID, call("true")),
  refused("an object as id", INVALID, call("{}")),
  refused("an array as id", INVALID, call("[1]")),
  refused("an id of 1 MiB", INVALID, call(`"${LONG}"`)),
];

const TEXTS: readonly RpcCase[] = [
  refused("an open brace", PARSE, "{"),
  refused("words", PARSE, "hello"),
  refused("something behind the message", PARSE, `${call("1")}}`, "1"),
  refused("two messages in one", PARSE, call("1") + call("2"), "1"),
  refused("a byte order mark", PARSE, `\ufeff${call("1")}`),
  refused("bytes that are not UTF-8", PARSE, withNonce(0xff, 0xfe), "1"),
  refused("overlong UTF-8", PARSE, withNonce(0xc0, 0xaf), "1"),
  refused("surrogates in UTF-8", PARSE, withNonce(0xed, 0xa0, 0x80), "1"),
  refused("a cut character", PARSE, withNonce(0xe2, 0x82), "1"),
  refused("an id that is not UTF-8", PARSE, idOf(0xff)),
  refused("a NUL in a string", PARSE, withNonce(0), "1"),
  refused("a tab in a string", PARSE, withNonce(9), "1"),
  refused("UTF-16", PARSE, utf16(call("1"))),
  refused("an unknown escape", PARSE, call("1", ',"a":"\\x"'), "1"),
  refused("a trailing comma", PARSE, call("1", ","), "1"),
  refused("a comment", PARSE, call("1", "/* */"), "1"),
  refused("NaN", PARSE, call("1", ',"a":NaN'), "1"),
  refused("a leading zero", PARSE, call("1", ',"a":01'), "1"),
  refused("a leading plus", PARSE, call("1", ',"a":+1'), "1"),
  refused("single quotes", PARSE, call("1", ",'a':1"), "1"),
];

const SHAPES: readonly RpcCase[] = [
  refused("a batch", INVALID, `[${call("1")},${call("2")}]`),
  refused("an empty batch", INVALID, "[]"),
  refused("a string", INVALID, '"x"'),
  refused("null", INVALID, "null"),
  refused("a number", INVALID, "1"),
  refused("an empty object", INVALID, "{}"),
  refused("version 1.0", INVALID, call("1").replace('"2.0"', '"1.0"'), "1"),
  refused("a version that is a number", INVALID, call("1").replace('"2.0"', "2.0"), "1"),
  refused("no version", INVALID, '{"id":1,"method":"ping"}', "1"),
  refused("a method that is a number", INVALID, '{"jsonrpc":"2.0","id":1,"method":5}', "1"),
  refused("no method", INVALID, '{"jsonrpc":"2.0","id":1}', "1"),
  refused("params that are a string", INVALID, ping(',"params":"x"'), "1"),
  refused("params that are an array", INVALID, ping(',"params":[]'), "1"),
  refused("params that are null", INVALID, ping(',"params":null'), "1"),
  refused("a request with a result", INVALID, ping(',"result":{}'), "1"),
  refused("Method", INVALID, '{"jsonrpc":"2.0","id":1,"Method":"ping"}', "1"),
  refused("METHOD beside method", INVALID, ping(',"METHOD":"tools/call"'), "1"),
  refused("param\u017f, which folds to params", INVALID, ping(',"param\u017f":{}'), "1"),
  refused("\u212aey beside id", INVALID, ping(',"ID":2'), "1"),
  refused("two methods", INVALID, ping(',"method":"tools/call"'), "1"),
  refused("a second method in escapes", INVALID, ping(',"m\\u0065thod":"tools/call"'), "1"),
  refused("two ids", INVALID, ping(',"id":1'), "1"),
  refused("two params", INVALID, ping(',"params":{},"params":{}'), "1"),
  refused(
    "two names",
    INVALID,
    call("1").replace('"name":"echo"', '"name":"echo","name":"x"'),
    "1",
  ),
  refused("Name", INVALID, call("1").replace('"name":"echo"', '"name":"echo","Name":"x"'), "1"),
];

const DEPTHS: readonly RpcCase[] = [
  forwarded("64 arrays", `,"d":${"[".repeat(64)}${"]".repeat(64)}`),
  forwarded("64 objects", `,"d":${'{"a":'.repeat(64)}1${"}".repeat(64)}`),
  refused("129 levels", INVALID, call("1", `,"d":${"[".repeat(126)}${"]".repeat(126)}`), "1"),
  refused("100,000 arrays", INVALID, call("1", `,"d":${nested("[", "]", 100_000)}`), "1"),
  refused("100,000 objects", INVALID, call("1", `,"d":${nested('{"a":', "}", 100_000)}`), "1"),
  refused("a million open brackets", PARSE, "[".repeat(1_000_000)),
  forwarded("100,000 keys", `,"k":{${keys(100_000)}}`),
];

const FORWARDED: readonly RpcCase[] = [
  forwarded("__proto__", ',"__proto__":{"admin":true}'),
  forwarded("constructor.prototype", ',"constructor":{"prototype":{"admin":true}}'),
  forwarded("the spelling of numbers", ',"a":1.0,"b":1e2,"c":-0,"d":9007199254740993,"e":1e400'),
  forwarded("the spelling of strings", ',"s":"\\ud800\\u0061\\/é"'),
  forwarded("spaces", ' , "a" :\t[ 1 ,2 ] '),
  forwarded("keys twice where nobody looks", ',"a":1,"a":2,"method":"x","id":0'),
  forwarded("the order of keys", ',"b":1,"10":2,"9":3,"a":4'),
];

const ANSWERS: readonly RpcCase[] = [
  {
    name: "an unknown method",
    bytes: bytesOf('{"jsonrpc":"2.0","id":1,"method":"no/such"}'),
    status: 200,
    code: -32601,
    id: "1",
  },
  {
    name: "a call without a name",
    bytes: bytesOf('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}'),
    status: 200,
    code: -32602,
    id: "1",
  },
  silent(
    "a notification",
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}',
  ),
  silent("an unknown notification", '{"jsonrpc":"2.0","method":"notifications/no-such"}'),
  silent("an answer to no question", '{"jsonrpc":"2.0","id":424242,"result":{}}'),
  silent("an error to nobody", '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}'),
];

/** All cases, in an order without meaning. */
export const RPC_CASES: readonly RpcCase[] = [
  ...[...IDS, ...TEXTS, ...SHAPES, ...DEPTHS, ...FORWARDED, ...ANSWERS],
];

function ping(extra: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"ping"${extra}}`;
}

function idOf(...bytes: number[]): Uint8Array<ArrayBuffer> {
  const [before, after] = call("@").split("@");
  return new Uint8Array([
    ...encoder.encode(`${before}"`),
    ...bytes,
    ...encoder.encode(`"${after}`),
  ]);
}

function nested(open: string, close: string, depth: number): string {
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
}

function keys(count: number): string {
  return Array.from({ length: count }, (_, i) => `"${i}":0`).join(",");
}
