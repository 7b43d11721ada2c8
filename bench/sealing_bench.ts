/**
 * What sealing a private hop costs. It is done by `node:crypto`, because a codec is synchronous: that is twice as
 * fast as WebCrypto for texts of 200 bytes, and takes three times as long for 64 KiB.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { request } from "../lib/core/compose.ts";
import { lengthPrefixed } from "../lib/framing/length_prefixed.ts";
import { ReplayGuard } from "../lib/framing/sealing/replay_guard.ts";
import { sealed } from "../lib/framing/sealing/sealed.ts";

const secret = new Uint8Array(randomBytes(32));
const iv = new Uint8Array(12);
const webKey = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, [
  "encrypt",
  "decrypt",
]);

for (const bytes of [200, 4_096, 65_536]) {
  const group = `${bytes} bytes, there and back`;
  const text = new Uint8Array(bytes);
  Deno.bench(`node:crypto ${bytes}`, { group, baseline: true }, () => {
    const cipher = createCipheriv("aes-256-gcm", secret, iv);
    const encrypted = cipher.update(text);
    cipher.final();
    const decipher = createDecipheriv("aes-256-gcm", secret, iv);
    decipher.setAuthTag(cipher.getAuthTag());
    decipher.update(encrypted);
    decipher.final();
  });
  Deno.bench(`WebCrypto ${bytes}`, { group }, async () => {
    const encrypted = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, webKey, text);
    await crypto.subtle.decrypt({ name: "AES-GCM", iv }, webKey, encrypted);
  });
  const keys = [{ id: "k", secret }];
  const inner = () => lengthPrefixed({ messageBytesMax: 1 << 22 });
  const server = sealed({ inner: inner(), keys, guard: new ReplayGuard() });
  const client = sealed({ inner: inner(), keys });
  const decoder = server.decoder();
  const batch = [request(1, "tools/call", { name: "x".repeat(bytes - 80) })];
  Deno.bench(`sealed() ${bytes}`, { group }, () => {
    decoder.push(client.encode(batch));
  });
}
