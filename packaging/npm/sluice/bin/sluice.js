#!/usr/bin/env node
/**
 * Starts the program of the package for this platform, in place of itself as far as Node can: same input and output,
 * same signals, same end.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { createRequire } from "node:module";
import process from "node:process";

const PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
const FAILED = 1;
const platform = `${process.platform}-${process.arch}`;
const extension = process.platform === "win32" ? ".exe" : "";

/** Path of the program; ends the process where there is none. */
function program() {
  try {
    return createRequire(import.meta.url).resolve(
      `@sluice-mcp/${platform}/bin/sluice${extension}`,
    );
  } catch {
    fail(
      `there is no program for ${platform}`,
      `npm install @sluice-mcp/${platform}, without --omit=optional`,
    );
  }
}

/** One line, as Sluice itself would say it. */
function fail(why, advice) {
  process.stderr.write(`sluice: Cannot start: ${why}; ${advice}\n`);
  process.exit(FAILED);
}

const child = spawn(program(), process.argv.slice(2), { stdio: "inherit" });
// A terminal sends its signals to both; what others send to this process the program has to hear as well.
for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
child.on("error", ({ message }) => fail(message, "install the package anew"));
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
