/**
 * The floor that ratios stand on: servers that answer a bench with as little as the runtime allows, no gateway in
 * sight. `deno run -A bench/ratios/raw_echo.ts http|sse|tcp` prints its URL and serves until it is ended.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
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
    withBody(req, (text) => {
      const answer = req.method === "POST" ? answerTo(text) : undefined;
      if (answer === undefined) return void res.writeHead(202).end();
      const head = {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(answer),
      };
      res.writeHead(200, head).end(answer);
    });
  });
}

function sseEcho(): Server {
  const streams: ServerResponse[] = [];
  return createHttpServer((req, res) => {
    if (req.method === "GET") {
      res.writeHead(200, { "content-type": "text/event-stream" });
      return void res.write(`event: endpoint\ndata: /?${streams.push(res) - 1}\n\n`);
    }
    withBody(req, (text) => {
      res.writeHead(202).end();
      const answer = answerTo(text);
      const stream = streams[Number(req.url!.slice(2))];
      if (answer !== undefined) stream.write(`event: message\ndata: ${answer}\n\n`);
    });
  });
}

function withBody(req: IncomingMessage, use: (text: string) => void): void {
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", () => use(Buffer.concat(chunks).toString()));
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

const ECHOES: Readonly<Record<string, [make: () => Server, url: (port: number) => string]>> = {
  http: [httpEcho, (port) => `http://127.0.0.1:${port}/mcp`],
  sse: [sseEcho, (port) => `sse+http://127.0.0.1:${port}/`],
  tcp: [tcpEcho, (port) => `tcp://127.0.0.1:${port}`],
};
const [make, urlOf] = ECHOES[Deno.args[0]];
const server = make();
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(urlOf(port));
});
