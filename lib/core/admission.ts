/**
 * The seam between transports and authentication: every request shows who it is from before anything of it is
 * acted upon, and before its body is read.
 *
 * @module
 */
import type { RequestInfo } from "./connection.ts";
import type { Identity } from "./identity.ts";

/**
 * Says who a request is from; at once where that is known already. Throws, or rejects with, a `GatewayError`
 * that tells the client how to prove itself.
 */
export type Admit = (request: RequestInfo) => Identity | Promise<Identity>;
