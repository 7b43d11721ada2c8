import { lengthPrefixed } from "../../lib/framing/length_prefixed.ts";
import { newline } from "../../lib/framing/newline.ts";
import { privateHop } from "../../lib/framing/private_hop.ts";
import { codecContract } from "./codec_contract.ts";

codecContract({
  name: "newline",
  make: (messageBytesMax) => newline({ messageBytesMax }),
  heldBytesMax: (messageBytesMax) => messageBytesMax,
});

codecContract({
  name: "length_prefixed",
  make: (messageBytesMax) => lengthPrefixed({ messageBytesMax }),
  heldBytesMax: (messageBytesMax) => messageBytesMax + 4,
});

for (const compress of ["auto", "none", "gzip", "lz4"] as const) {
  codecContract({
    name: `private_hop with ${compress}`,
    make: (messageBytesMax) => privateHop({ messageBytesMax, compress }),
    heldBytesMax: (messageBytesMax) => Math.max(messageBytesMax, 256 * 1024) + 5,
  });
}
