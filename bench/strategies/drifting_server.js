// An MCP server over stdio whose calls take the time that the caller says for a server of its place, four at
// once, first come first served. `deno run drifting_server.js PLACE`.
import process from "node:process";

const place = Number(process.argv[2]);
const WORKERS = 4;
const waiting = [];
let busy = 0;
let rest = "";

function write(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

function work() {
  while (busy < WORKERS && waiting.length > 0) {
    const { id, params } = waiting.shift();
    busy++;
    setTimeout(() => {
      busy--;
      write({ id, result: { content: [{ type: "text", text: String(place) }] } });
      work();
    }, params.arguments.tookMs[place]);
  }
}

function take(message) {
  const { id, method, params } = message;
  if (method === "tools/call") {
    waiting.push(message);
    work();
  } else if (method === "initialize") {
    const { protocolVersion } = params;
    const serverInfo = { name: "drifting", version: "1.0.0" };
    write({ id, result: { protocolVersion, capabilities: { tools: {} }, serverInfo } });
  } else if (id !== undefined) write({ id, error: { code: -32601, message: "Method not found" } });
}

process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) if (line.trim() !== "") take(JSON.parse(line));
});
