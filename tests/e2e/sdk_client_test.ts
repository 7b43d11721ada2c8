import { travel } from "../contract/sdk_journey.ts";
import { PROXY_BEFORE_SERVE } from "../fixtures/ways.ts";
import { testCompiled } from "./compiled.ts";

testCompiled(
  "an SDK client uses all of server-everything through proxy and serve",
  (t) => travel(PROXY_BEFORE_SERVE, t),
);
