/**
 * The floor that ratios stand on: servers that answer a bench with as little as the runtime allows, no gateway in
 * sight. `deno run -A bench/ratios/raw_echo.ts http|tcp` prints its URL and serves until it is ended.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";

const INITIALIZED = {
  protocolVersion: "2025-11-25",
  capabilities: { tools: {} },
  serverInfo: { name: "raw", version: "1" },
};

/** The answer to one message; `undefined` for what needs none. */
function answerTo(text: string): string | undefined {
  const { id, method, params } = JSON.parse(text);
  if (id === undefined) return undefined;
  const content = [{ type: "text", text: JSON.stringify(params?.arguments) }];
  const result = method === "initialize" ? INITIALIZED : { content };
  return JSON.stringify({ jsonrpc: "2.0", id, result });
}

function httpEcho(): Server {
  return createHttpServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const answer = req.method === "POST" ? answerTo(Buffer.concat(chunks).toString()) : undefined;
      if (answer === undefined) return void res.writeHead(202).end();
      const head = {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(answer),
      };
      res.writeHead(200, head).end(answer);
    });
  });
}

function tcpEcho(): Server {
  return createTcpServer((socket) => {
    let rest = "";
    socket.setEncoding("utf8").on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      const answers = lines.map(answerTo).filter((answer) => answer !== undefined);
      if (answers.length > 0) socket.write(`${answers.join("\n")}\n`);
    });
  });
}

const [transport] = Deno.args;
const server = transport === "http" ? httpEcho() : tcpEcho();
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  const url = transport === "http" ? `http://127.0.0.1:${port}/mcp` : `tcp://127.0.0.1:${port}`;
  console.log(url);
});
