/**
 * What the journeys ask of a client, whichever SDK and era it is of.
 *
 * @module
 */
import type { Told } from "./mailbox.ts";

/** What the client says of itself when a server asks for its roots. */
export const ROOT = { uri: "file:///sluice/root", name: "the root of the test" };
/** What it fills into every form. */
export const FORM = {
  ...{ name: "Ada Lovelace", check: true, integer: 7 },
  ...{ color: "green", response: "yes", ok: true, context: "a test" },
};

/** A JSON value that tests look into freely. */
// deno-lint-ignore no-explicit-any -- see above
export type Json = any;

/** What both SDKs' clients can do alike. */
export interface AnyClient {
  getServerVersion(): Json;
  getServerCapabilities(): Json;
  getInstructions(): string | undefined;
  listTools(): Promise<Json>;
  listResources(): Promise<Json>;
  listResourceTemplates(): Promise<Json>;
  listPrompts(): Promise<Json>;
  readResource(params: { uri: string }): Promise<Json>;
  getPrompt(params: { name: string; arguments?: Record<string, string> }): Promise<Json>;
  complete(params: Json): Promise<Json>;
}

/** How a tool is called. */
export interface CallOptions {
  readonly onprogress?: () => void;
  readonly signal?: AbortSignal;
}

/** A connected client. Dispose it to end what it has with the server, and its process. */
export interface Traveller extends AsyncDisposable {
  readonly client: AnyClient;
  /** Which era it has agreed on. */
  readonly era: "legacy" | "modern";
  /** Methods of the questions that the server asked. */
  readonly asked: readonly string[];
  /**
   * Steps of progress and answers, as they arrive from now on: the SDK itself drops progress that comes
   * together with the answer (typescript-sdk#2580).
   */
  arrivals(): readonly (number | "answer")[];
  /** What its transport complained about. */
  readonly complaints: readonly string[];
  /** Calls a tool and gives the text of the answer. @throws {Error} when the tool failed */
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<string>;
  /** Waits for a notification that came, or comes, since the last one that was taken this way. */
  told(method: string, fits?: (told: Told) => boolean): Promise<Told>;
  /** From now on it is told of changed lists, and of changes of these resources. */
  watch(...uris: string[]): Promise<void>;
  /** From now on its calls are to be logged from this level up. */
  logFrom(level: "debug" | "info"): Promise<void>;
}

/** The text of a tool's answer. @throws {Error} when the tool failed */
export function textOf({ content, isError }: Json): string {
  const text = content.map((part: Json) => part.text).join("\n");
  if (isError) throw new Error(`Cannot call the tool: ${text}`);
  return text;
}

/** What of a transport {@link watchArrivals} looks at. */
interface Hearing {
  onmessage?: (message: Json, extra?: Json) => void;
}

/** Steps of progress and answers, as a transport brings them from now on. */
export function watchArrivals(transport: Hearing): readonly (number | "answer")[] {
  const { onmessage } = transport;
  const arrived: (number | "answer")[] = [];
  transport.onmessage = (message, extra) => {
    if (!("method" in message)) arrived.push("answer");
    else if (message.method === "notifications/progress") arrived.push(message.params?.progress);
    onmessage?.(message, extra);
  };
  return arrived;
}

/** What is left of complaints without progress that the SDK dropped, which is nobody's fault. */
export function seriousOf(complaints: readonly string[]): string[] {
  return complaints.filter((text) => !/progress.*unknown token/.test(text));
}
