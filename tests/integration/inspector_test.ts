import { registerInspectorTests } from "../contract/inspector_journey.ts";

registerInspectorTests();
