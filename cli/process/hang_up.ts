/**
 * SIGHUP: files of logs are begun anew, and the configuration is read again. Where there is neither, it ends the
 * process, as it always does.
 *
 * @module
 */
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";

/** Calls an action for each SIGHUP until it is disposed. A terminal that was closed ends the process in order. */
export function onHangUp(
  { file, log, audit }: GatewayConfig,
  action: () => void,
): Disposable {
  const isMeant = file !== undefined || log.path !== "" || audit.path !== "";
  if (!isMeant || Deno.build.os === "windows") return { [Symbol.dispose]() {} };
  const hadTerminal = Deno.stderr.isTerminal();
  const onSignal = () => {
    if (hadTerminal && !Deno.stderr.isTerminal()) Deno.kill(Deno.pid, "SIGTERM");
    else action();
  };
  Deno.addSignalListener("SIGHUP", onSignal);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", onSignal) };
}
