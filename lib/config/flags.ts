/**
 * What the command line says about the configuration.
 *
 * @module
 */

/** Flags and operands, as given. */
export interface ConfigFlags {
  /** Path of the configuration file. */
  readonly config?: string;
  /** URLs to listen on. */
  readonly listen?: readonly string[];
  /** `NAME=URL` of upstreams. */
  readonly upstream?: readonly string[];
  /** URLs of an upstream without a name, the most wanted first. */
  readonly urls?: readonly string[];
  /** Program and arguments of an upstream without a name; beside URLs the last resort. */
  readonly command?: readonly string[];
  /** One process or connection for all clients. */
  readonly shared?: boolean;
  /** Era of the protocol that clients may speak. */
  readonly era?: string;
  /** Era of the protocol towards upstreams. */
  readonly upstreamEra?: string;
  /** File of the shared-memory export. */
  readonly shm?: string;
  /** Processes of `serve`. */
  readonly workers?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  /** No demo server: without an upstream there is an error. */
  readonly requireUpstream?: boolean;
}
