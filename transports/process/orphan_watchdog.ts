/**
 * Ends the children of a gateway that was killed with SIGKILL.
 *
 * A shell reads from a pipe whose only write end the gateway holds (close-on-exec, so no child has
 * it); the kernel closes it however the gateway ends, and at that end of file the shell ends the
 * groups it was told of, and on Linux everything that carries the gateway's cookie. It leads a
 * session of its own, so Ctrl-C at the terminal passes it by.
 *
 * Why not `setpriv --pdeathsig KILL` before each command: the signal is tied to the thread that
 * spawned (tried on Deno 2.9.6: a child started in a worker dies when the worker ends), it is
 * cleared by set-uid programs, never reaches grandchildren, and exists only on Linux. A shell is
 * everywhere, costs one process of 1.7 MB per gateway, and serves all children.
 *
 * @module
 */
import { reasonOf } from "../../lib/core/errors.ts";

// SIGTERM first: a server that has just lost its stdin may be writing its state. For dash, bash and
// busybox; `kill -s NAME -- -PID` is the spelling that all of them take.
const SCRIPT = `
trap '' HUP INT QUIT TERM
groups=' '
while read -r change pid; do
  case $change in
    +) groups="$groups$pid " ;;
    -) case $groups in *" $pid "*) groups="\${groups%% $pid *} \${groups#* $pid }" ;; esac ;;
  esac
done
signal_all() {
  found=
  for pid in $groups; do kill -s "$1" -- "-$pid" && found=yes; done
  if [ -r /proc/self/environ ]; then
    for file in $(grep -lsF -- "$cookie" /proc/[0-9]*/environ); do
      pid=\${file#/proc/}
      kill -s "$1" "\${pid%/environ}" && found=yes
    done
  fi
  [ "$found" ]
}
cookie=$1
signal_all TERM || exit 0
sleep 1
for round in 1 2 3 4 5 6 7 8; do signal_all KILL || exit 0; done
`;

interface Shell {
  readonly process: Deno.ChildProcess;
  readonly input: WritableStreamDefaultWriter<Uint8Array>;
}

/** One per gateway. Starts with the first child, ends with its disposal or with the gateway. */
export class OrphanWatchdog implements AsyncDisposable {
  readonly #cookie: string;
  readonly #warn: (text: string) => void;
  readonly #groups = new Set<number>();
  readonly #encoder = new TextEncoder();
  #shell: Shell | undefined;

  /**
   * @param cookie part of the cookie variable of every child of this gateway
   * @param warn told when the watchdog cannot do its work
   */
  constructor(cookie: string, warn: (text: string) => void) {
    this.#cookie = cookie;
    this.#warn = warn;
  }

  /** Adds a process group. */
  guard(groupId: number): void {
    this.#groups.add(groupId);
    if (Deno.build.os === "windows") return;
    if (this.#shell === undefined) this.#start();
    else this.#tell(`+ ${groupId}\n`);
  }

  /** Removes a group all of whose members have ended: its number may be used again. */
  release(groupId: number): void {
    if (this.#groups.delete(groupId)) this.#tell(`- ${groupId}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const shell = this.#shell;
    if (shell === undefined) return;
    this.#shell = undefined;
    shell.process.ref();
    await shell.input.close().catch(() => {}); // it has ended already, which is what we want
    await shell.process.status;
  }

  #start(): void {
    try {
      const process = new Deno.Command("/bin/sh", {
        args: ["-c", SCRIPT, "sluice-watchdog", this.#cookie],
        cwd: "/",
        clearEnv: true, // a process that may outlive the gateway has no use for its secrets
        env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
        detached: true,
        stdin: "piped",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const shell = { process, input: process.stdin.getWriter() };
      process.unref();
      process.status.then(() => this.#lost(shell, "it ended"));
      this.#shell = shell;
    } catch (error) {
      this.#warn(`Cannot guard children against a sudden end: ${reasonOf(error)}`);
      return;
    }
    for (const groupId of this.#groups) this.#tell(`+ ${groupId}\n`);
  }

  #tell(line: string): void {
    const shell = this.#shell;
    if (shell === undefined) return;
    shell.input.write(this.#encoder.encode(line)).catch((error) => {
      this.#lost(shell, reasonOf(error));
    });
  }

  /** The next child starts another one. */
  #lost(shell: Shell, why: string): void {
    if (shell !== this.#shell) return;
    this.#shell = undefined;
    this.#warn(`Cannot guard children against a sudden end until the next one starts: ${why}`);
  }
}
