// The formats of a bundle, each read to the letter: canonical CBOR, the one form of its ZIP, trees, notes.

/** Something does not verify; Korean and English. */
class Bad extends Error {
  constructor(readonly ko: string, readonly en: string) { super(en); }
}

type Cbor = number | string | boolean | null | Uint8Array | Cbor[] | Map<Cbor, Cbor>;

function cborHead(major: number, value: number): Uint8Array {
  if (value < 24) return Uint8Array.of((major << 5) | value);
  const size = [1, 2, 4, 8].find((s) => value < 2 ** (8 * s))!;
  return join(Uint8Array.of((major << 5) | (24 + Math.log2(size))), bytesOf(value, size));
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

function cbor(value: Cbor): Uint8Array {
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === "boolean") return Uint8Array.of(value ? 0xf5 : 0xf4);
  if (typeof value === "number") return value >= 0 ? cborHead(0, value) : cborHead(1, -1 - value);
  if (typeof value === "string") { const raw = utf8(value); return join(cborHead(3, raw.length), raw); }
  if (value instanceof Uint8Array) return join(cborHead(2, value.length), value);
  if (Array.isArray(value)) return join(cborHead(4, value.length), ...value.map(cbor));
  const pairs = Array.from(value, ([key, inner]) => join(cbor(key), cbor(inner))).sort(compare);
  return join(cborHead(5, pairs.length), ...pairs);
}

function uncborAt(data: Uint8Array, at: number, depth: number): [Cbor, number] {
  const first = data[at++];
  if (first === undefined) throw new Error("cut off");
  if (first === 0xf4 || first === 0xf5) return [first === 0xf5, at];
  if (first === 0xf6) return [null, at];
  const major = first >> 5;
  let value = first & 31;
  if (depth > 16 || major > 5 || value > 27) throw new Error("outside the subset");
  if (value > 23) { const size = 1 << (value - 24); value = number(data, at, size); at += size; }
  if (major < 2) return [major === 0 ? value : -1 - value, at];
  if (value > data.length - at) throw new Error("cut off");
  if (major < 4) {
    const raw = data.slice(at, at + value);
    return [major === 2 ? raw : text(raw), at + value];
  }
  const items: Cbor[] = [];
  for (let i = 0; i < value * (major - 3); i++) {
    const [item, next] = uncborAt(data, at, depth + 1);
    items.push(item);
    at = next;
  }
  if (major === 4) return [items, at];
  const map = new Map<Cbor, Cbor>();
  for (let i = 0; i < items.length; i += 2) {
    if (typeof items[i] === "object" && items[i] !== null) throw new Error("a map key is a container");
    map.set(items[i]!, items[i + 1]!);
  }
  return [map, at];
}

/** The value of canonical bytes; throws when they are not. */
function uncbor(data: Uint8Array): Cbor {
  const [value, end] = uncborAt(data, 0, 0);
  if (end !== data.length || !same(cbor(value), data)) throw new Error("not canonical");
  return value;
}

/** Typed looks into a decoded map; each throws when the value is of another type. */
class Fields {
  readonly map: Map<Cbor, Cbor>;
  constructor(value: Cbor | undefined) {
    if (!(value instanceof Map)) throw new Error("no map");
    this.map = value;
  }
  get(name: Cbor): Cbor {
    const value = this.map.get(name);
    if (value === undefined) throw new Error(`no ${String(name)}`);
    return value;
  }
  bytes(name: Cbor): Uint8Array { return asBytes(this.get(name)); }
  number(name: Cbor): number { return asNumber(this.get(name)); }
  list(name: Cbor): Cbor[] { return asList(this.get(name)); }
  word(name: Cbor): string { const v = this.get(name); if (typeof v !== "string") throw new Error("text"); return v; }
}
function asBytes(v: Cbor | undefined): Uint8Array { if (!(v instanceof Uint8Array)) throw new Error("bytes"); return v; }
function asNumber(v: Cbor | undefined): number { if (typeof v !== "number") throw new Error("number"); return v; }
function asList(v: Cbor | undefined): Cbor[] { if (!Array.isArray(v)) throw new Error("list"); return v; }

const le = (value: number, size: number): Uint8Array => bytesOf(value, size).reverse();

/** Name → bytes of each member; Bad when the file is not the one form that a bundle has. */
async function members(file: Blob): Promise<Map<string, Blob>> {
  const found = new Map<string, Blob>(), directory: Uint8Array[] = [];
  const bad = new Bad("파일이 증거 묶음의 형식이 아닙니다", "the file does not have the form of a bundle");
  const read = async (at: number, size: number): Promise<Uint8Array> =>
    new Uint8Array(await file.slice(at, at + size).arrayBuffer());
  let at = 0;
  for (;;) {
    const head = await read(at, 30);
    if (head.length < 30 || hex(head.subarray(0, 4)) !== "504b0304") break;
    const crc = head.slice(14, 18), size = number(head.slice(18, 22).reverse());
    const same_ = number(head.slice(22, 26).reverse()), length = number(head.slice(26, 28).reverse());
    const raw = await read(at + 30, length), name = Array.from(raw, (b) => String.fromCharCode(b)).join("");
    const sizes = join(crc, le(size, 4), le(size, 4), le(length, 2), le(0, 2));
    const wanted = join(Uint8Array.of(0x50, 0x4b, 3, 4), le(20, 2), le(0, 6), le(33, 2), sizes);
    const start = at + 30 + length, end = start + size;
    const legal = /^[A-Za-z0-9.-]*$/.test(name) && !found.has(name) && found.size < 1000;
    if (!same(head, wanted) || same_ !== size || end > file.size || !legal || raw.length !== length) throw bad;
    const entry = join(Uint8Array.of(0x50, 0x4b, 1, 2), le(20, 2), le(20, 2), le(0, 6), le(33, 2), sizes, le(0, 10));
    directory.push(entry, le(at, 4), raw);
    found.set(name, file.slice(start, end));
    at = end;
  }
  const all = join(...directory), count = le(found.size, 2);
  const end = join(all, Uint8Array.of(0x50, 0x4b, 5, 6), le(0, 4), count, count, le(all.length, 4), le(at, 4), le(0, 2));
  if (found.size === 0 || file.size !== at + end.length || !same(await read(at, end.length), end)) throw bad;
  return found;
}

/** SHA-256 of a blob: the browser's own for what fits in memory, ours in pieces for more. */
async function digestOf(blob: Blob): Promise<Uint8Array> {
  if (blob.size <= 1 << 28) return new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  const made = new Sha256(), step = 4 << 20;
  for (let at = 0; at < blob.size; at += step) made.update(new Uint8Array(await blob.slice(at, at + step).arrayBuffer()));
  return made.digest();
}

async function whole(blob: Blob | undefined): Promise<Uint8Array> {
  if (!blob) throw new Error("a file is missing");
  return new Uint8Array(await blob.arrayBuffer());
}

const ONE = Uint8Array.of(1), ZERO = Uint8Array.of(0);

/** Root that an RFC 9162 audit path leads to; throws when its length is wrong. */
function climb(value: Uint8Array, index: number, count: number, path: Uint8Array[]): Uint8Array {
  let last = count - 1;
  const half = (n: number): number => Math.floor(n / 2);
  for (const step of path) {
    if (last === 0) throw new Error("too long");
    if (index % 2 === 1 || index === last) {
      value = sha(ONE, step, value);
      while (index !== 0 && index % 2 === 0) { index = half(index); last = half(last); }
    } else {
      value = sha(ONE, value, step);
    }
    index = half(index); last = half(last);
  }
  if (last !== 0) throw new Error("too short");
  return value;
}

function treeRoot(hashes: Uint8Array[]): Uint8Array {
  let level = hashes.length ? hashes.map((h) => sha(ZERO, h)) : [sha()];
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      next.push(i + 1 < level.length ? sha(ONE, level[i]!, level[i + 1]!) : level[i]!);
    }
    level = next;
  }
  return level[0]!;
}

/** Part proofs against one checkpoint; what many parts share is looked at once. */
class Prover {
  latest = 0;
  private readonly known = new Map<string, Uint8Array>();
  constructor(private readonly size: number, private readonly root: Uint8Array) {}

  check(proof: Uint8Array, segment: Uint8Array, part: Uint8Array): void {
    const start = 120;
    if (proof.length < start || proof.length > 2048 || hex(proof.subarray(0, 5)) !== "4757505001") throw new Error("form");
    const [ordinal, parts, place, count] = [5, 9, 13, 17].map((at) => number(proof, at, 4)) as [number, number, number, number];
    const writer = proof.subarray(21, 37), minute = number(proof, 37, 8), row = proof.subarray(45, 61);
    const time = proof.subarray(61, 69), salt = proof.subarray(69, 101), index = number(proof, 101, 8);
    const of = number(proof, 109, 8), [a, b, c] = [proof[117]!, proof[118]!, proof[119]!];
    const steps: Uint8Array[] = [];
    if (proof.length !== start + 32 * (a + b + c)) throw new Error("form");
    for (let at = start; at < proof.length; at += 32) steps.push(proof.subarray(at, at + 32));
    if (of !== this.size || ordinal >= parts || place >= count || index >= of || minute % 60) throw new Error("place");
    const inner = climb(sha(ZERO, part), ordinal, parts, steps.slice(0, a));
    const leaf = sha(ZERO, utf8("gwanje/v1/minute\0"), segment, bytesOf(parts, 4), inner);
    const shared = hex(sha(proof.subarray(0, 5), proof.subarray(13, start), ...steps.slice(a)));
    const before = this.known.get(shared);
    if (before && same(before, leaf)) return;
    const top = climb(leaf, place, count, steps.slice(a, a + b));
    const none = ["actor", "agency", "decision", "permit", "first", "until", "situation"];
    const empty = ["station", "ground", "case"], lists = ["norms", "articles", "cameras"];
    const detail = new Map<Cbor, Cbor>([
      ["minute", minute], ["recorder", hex(writer)], ["root", hex(top)], ["segments", count],
    ]);
    const opening = new Map<Cbor, Cbor>([
      ["v", 1], ["kind", "recorder.minute.sealed"], ["outcome", "done"], ["role", "recorder"], ["detail", detail],
      ["dies", "registry"], ...none.map((n) => [n, null] as [Cbor, Cbor]), ...empty.map((n) => [n, ""] as [Cbor, Cbor]),
      ...lists.map((n) => [n, []] as [Cbor, Cbor]),
    ]);
    const mac = hmac(salt, utf8("gwanje/v1/leaf\0"), cbor(opening));
    const entry = join(ONE, row, time, mac);
    if (!same(climb(sha(ZERO, entry), index, of, steps.slice(a + b)), this.root)) throw new Error("root");
    this.known.set(shared, leaf);
    this.latest = Math.max(this.latest, number(time));
  }
}

type Note = { origin: string; size: number; root: Uint8Array; text: string; signatures: [string, Uint8Array][] };

/** A C2SP signed note; throws. */
function noteOf(note: string): Note {
  const cut = note.lastIndexOf("\n\n");
  const said = note.slice(0, cut) + "\n", lines = said.split("\n");
  const signatures = note.slice(cut + 2).split("\n").filter((line) => line !== "").map((line): [string, Uint8Array] => {
    const words = line.split(" ");
    if (cut < 0 || words.length !== 3 || words[0] !== "\u2014") throw new Error("no signature line");
    return [words[1]!, unb64(words[2]!, true)];
  });
  if (cut < 0 || lines.length < 4 || String(Number(lines[1])) !== lines[1]) throw new Error("no checkpoint");
  return { origin: lines[0]!, size: Number(lines[1]), root: unb64(lines[2]!, true), text: said, signatures };
}

/** Ed25519. */
async function signedBy(key: Uint8Array, signature: Uint8Array, said: Uint8Array): Promise<boolean> {
  try {
    const raw = key as Uint8Array<ArrayBuffer>;
    const made = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    const blob = signature as Uint8Array<ArrayBuffer>;
    return await crypto.subtle.verify({ name: "Ed25519" }, made, blob, said as Uint8Array<ArrayBuffer>);
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError") {
      throw new Bad("이 브라우저는 Ed25519를 모릅니다. verify.py를 쓰십시오", "this browser has no Ed25519; use verify.py");
    }
    return false;
  }
}
