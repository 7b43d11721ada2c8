/**
 * A web that leads to a fake server in this process.
 *
 * @module
 */
import { GuardedWeb } from "../../../../lib/auth/oauth_client/guarded_web.ts";
import type { FakeOAuth } from "../../../fixtures/oauth_fake.ts";

/** The web as it is seen on behalf of a fake resource. */
export function webFor(fake: FakeOAuth): GuardedWeb {
  return new GuardedWeb({ upstream: fake.url, allowPrivateNetworks: false });
}
