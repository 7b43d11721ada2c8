/**
 * Opens an address in the browser of the user, never through a shell.
 *
 * @module
 */

/** The platform's opener; it takes the address as its last argument. */
const OPENERS: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  darwin: ["open"],
  windows: ["rundll32", "url.dll,FileProtocolHandler"],
  linux: ["xdg-open"],
};

/**
 * Opens a browser. That it cannot be opened is no error: the address is told anyway.
 *
 * @param browser `system`, `none`, or a program that takes the address
 * @param url checked by the caller to be of the web
 */
export function openBrowser(browser: string, url: URL): void {
  if (browser === "none") return;
  const [program, ...args] = browser === "system"
    ? OPENERS[Deno.build.os] ?? ["xdg-open"]
    : [browser];
  try {
    const child = new Deno.Command(program, {
      args: [...args, url.href],
      stdin: "null",
      stdout: "null", // ours belongs to the protocol
      stderr: "null",
    }).spawn();
    child.unref();
    child.status.catch(() => {}); // what became of it shows in whether an answer comes
  } catch {
    // there is no browser: the address is in the log
  }
}
