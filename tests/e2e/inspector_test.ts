import { registerInspectorTests } from "../contract/inspector_journey.ts";
import { NO_BINARY } from "./compiled.ts";

registerInspectorTests(NO_BINARY);
