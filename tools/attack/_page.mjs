// The page's own script, taken out of verify.html, run over many bundles: one JSON line an answer.
// Usage: node _page.mjs verify.html < length-prefixed records (u32 header, JSON header, u32 bundle, bundle)
import { readFileSync } from "node:fs";
import { Blob } from "node:buffer";
import { webcrypto } from "node:crypto";
import vm from "node:vm";

const page = readFileSync(process.argv[2], "utf8");
const script = page.slice(page.lastIndexOf("<script>") + 8, page.lastIndexOf("</script>"));
// a context of its own would make every global a slow look-up
globalThis.crypto ??= webcrypto;
globalThis.Blob ??= Blob;
vm.runInThisContext(script + "\nglobalThis.made = { Bundle, readIdentity, readKey };");
const { made } = globalThis;

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const data = Buffer.concat(chunks);
const hex = (text) => Uint8Array.from(Buffer.from(text, "hex"));
for (let at = 0; at < data.length; ) {
  const head = data.readUInt32BE(at);
  const asked = JSON.parse(data.subarray(at + 4, at + 4 + head).toString());
  at += 4 + head;
  const size = data.readUInt32BE(at);
  const file = new Blob([data.subarray(at + 4, at + 4 + size)]);
  at += 4 + size;
  const given = {
    key: asked.key ? hex(asked.key) : null, witnesses: asked.witnesses,
    secret: asked.identity ? { kind: "identity", value: hex(asked.identity) } : null,
  };
  const bundle = new made.Bundle(file, given, () => {});
  await bundle.run();
  const lines = bundle.lines.map((line) => [line.step, line.state, line.ko, line.en]);
  process.stdout.write(JSON.stringify({ code: bundle.code, lines }) + "\n");
}
