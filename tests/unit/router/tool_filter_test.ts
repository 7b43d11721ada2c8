import assert from "node:assert/strict";
import { request, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Call } from "../../../lib/core/handler.ts";
import type { Message } from "../../../lib/core/message.ts";
import { toolFilter } from "../../../lib/router/tool_filter.ts";

const handle = toolFilter({ deny: ["write_*"] })(({ message }) =>
  Promise.resolve(result(message.id!, {
    tools: [{ name: "read_file" }, { name: "write_file" }],
    nextCursor: "2",
  }))
);
const call = (message: Message) => handle({ message } as Call);

Deno.test("toolFilter() leaves hidden tools out of lists", async () => {
  const answer = await call(request(1, "tools/list"));
  assert.deepEqual(answer!.json().result, { tools: [{ name: "read_file" }], nextCursor: "2" });
});

Deno.test("toolFilter() knows no hidden tool, and lets the others be called", async () => {
  await assert.rejects(
    call(request(1, "tools/call", { name: "write_file" })),
    (error) => error instanceof GatewayError && error.code === -32602 && error.status === 200,
  );
  assert.ok(await call(request(1, "tools/call", { name: "read_file" })));
});
