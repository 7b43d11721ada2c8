/**
 * How clients speak, byte by byte: no library that would read ahead.
 *
 * @module
 */
import { createConnection, type Socket } from "node:net";

const ACCEPT = "application/json, text/event-stream";

/** A call of the tool `echo` whose text, and that of its answer, has so many bytes. */
export function call(id: number, textBytes: number): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo",` +
    `"arguments":{"message":"${"x".repeat(textBytes)}"}}}`;
}

/** What a client says first. */
export const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: "hello",
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "bench", version: "1" },
  },
});

/** A connected socket. */
export function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
    socket.on("error", () => {}); // "close" follows
  });
}

/** The text that comes until it contains a mark; the socket flows on. */
export function until(socket: Socket, mark: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let come = "";
    const onClose = () => reject(new Error(`Cannot read until ${mark}: closed after ${come}`));
    const onData = (chunk: Uint8Array) => {
      come += new TextDecoder().decode(chunk);
      if (!come.includes(mark)) return;
      socket.off("data", onData).off("close", onClose);
      resolve(come);
    };
    socket.on("data", onData).once("close", onClose);
  });
}

/** A request that posts a message. */
export function post(path: string, port: number, message: string, headers = ""): string {
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
    `Accept: ${ACCEPT}\r\n${headers}Content-Length: ${message.length}\r\n\r\n${message}`;
}

/** A request that opens an event stream, or a WebSocket. */
export function get(path: string, port: number, headers: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}\r\n`;
}

/** A WebSocket message, masked with zeros; at most 65,535 bytes. */
export function webSocketFrame(message: string): Uint8Array {
  const isLong = message.length > 125;
  const frame = new Uint8Array(message.length + (isLong ? 8 : 6));
  frame[0] = 0x81;
  frame[1] = 0x80 | (isLong ? 126 : message.length);
  if (isLong) new DataView(frame.buffer).setUint16(2, message.length);
  new TextEncoder().encodeInto(message, frame.subarray(isLong ? 8 : 6));
  return frame;
}
