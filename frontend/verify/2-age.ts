// age v1 (C2SP age-encryption.org/v1): ChaCha20-Poly1305 (RFC 8439) and scrypt (RFC 7914), which WebCrypto has not.

type Secret = { kind: "identity" | "passphrase"; value: Uint8Array };
const CHUNK = 65536;
const LOG_N_MAX = 18;

function quarter(x: Int32Array, a: number, b: number, c: number, d: number): void {
  let p = x[a]!, q = x[b]!, r = x[c]!, s = x[d]!;
  p = (p + q) | 0; s ^= p; s = (s << 16) | (s >>> 16);
  r = (r + s) | 0; q ^= r; q = (q << 12) | (q >>> 20);
  p = (p + q) | 0; s ^= p; s = (s << 8) | (s >>> 24);
  r = (r + s) | 0; q ^= r; q = (q << 7) | (q >>> 25);
  x[a] = p; x[b] = q; x[c] = r; x[d] = s;
}

/** One block of ChaCha20 into ``out`` (16 words); ``state`` is not changed. */
function chacha(state: Int32Array, out: Int32Array): void {
  out.set(state);
  for (let i = 0; i < 10; i++) {
    quarter(out, 0, 4, 8, 12); quarter(out, 1, 5, 9, 13); quarter(out, 2, 6, 10, 14); quarter(out, 3, 7, 11, 15);
    quarter(out, 0, 5, 10, 15); quarter(out, 1, 6, 11, 12); quarter(out, 2, 7, 8, 13); quarter(out, 3, 4, 9, 14);
  }
  for (let i = 0; i < 16; i++) out[i] = out[i]! + state[i]!;
}

/** Six limbs of 22 bits of 16 little-endian bytes; products of two limbs times 20 stay below 2^53. */
function limbs(view: DataView, at: number, into: Float64Array, top: number): void {
  const a = view.getUint32(at, true), b = view.getUint32(at + 4, true);
  const c = view.getUint32(at + 8, true), d = view.getUint32(at + 12, true);
  into[0] = a & 0x3fffff;
  into[1] = ((a >>> 22) | (b << 10)) & 0x3fffff;
  into[2] = ((b >>> 12) | (c << 20)) & 0x3fffff;
  into[3] = (c >>> 2) & 0x3fffff;
  into[4] = ((c >>> 24) | (d << 8)) & 0x3fffff;
  into[5] = (d >>> 14) | top;
}

/** Poly1305 over whole blocks of 16 bytes (AEAD input is always padded to them). */
function poly1305(key: Uint8Array, blocks: Uint8Array[]): Uint8Array {
  const clamped = key.slice(0, 16);
  for (const i of [3, 7, 11, 15]) clamped[i]! &= 15;
  for (const i of [4, 8, 12]) clamped[i]! &= 252;
  const r = new Float64Array(6), m = new Float64Array(6), h = new Float64Array(6), d = new Float64Array(6);
  limbs(new DataView(clamped.buffer), 0, r, 0);
  const wide = new Float64Array(12);
  // wide[6 + k] = r[k], wide[k] = 20 r[k]: what leaves at the top comes back times 20 (2^132 = 4 * 2^130 = 20)
  for (let k = 0; k < 6; k++) { wide[6 + k] = r[k]!; wide[k] = 20 * r[k]!; }
  for (const data of blocks) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < data.length; at += 16) {
      limbs(view, at, m, 0x40000);
      for (let i = 0; i < 6; i++) h[i]! += m[i]!;
      for (let i = 0; i < 6; i++) {
        d[i] = h[0]! * wide[6 + i]! + h[1]! * wide[5 + i]! + h[2]! * wide[4 + i]! + h[3]! * wide[3 + i]!
          + h[4]! * wide[2 + i]! + h[5]! * wide[1 + i]!;
      }
      let carry = 0;
      for (let i = 0; i < 6; i++) {
        const sum = d[i]! + carry;
        carry = Math.floor(sum / 4194304);
        h[i] = sum - carry * 4194304;
      }
      h[0]! += carry * 20;
      const over = Math.floor(h[0]! / 4194304);
      h[0]! -= over * 4194304;
      h[1]! += over;
    }
  }
  let sum = 0n;
  for (let i = 5; i >= 0; i--) sum = (sum << 22n) + BigInt(h[i]!);
  sum %= (1n << 130n) - 5n;
  for (let i = 31, s = 0n; i >= 16; i--) { s = (s << 8n) | BigInt(key[i]!); if (i === 16) sum += s; }
  return Uint8Array.from({ length: 16 }, (_, i) => Number((sum >> BigInt(8 * i)) & 255n));
}

class ChaCha20Poly1305 {
  private readonly state = new Int32Array(16);

  constructor(key: Uint8Array) {
    this.state.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
    const view = new DataView(key.buffer, key.byteOffset, 32);
    for (let i = 0; i < 8; i++) this.state[4 + i] = view.getInt32(4 * i, true);
  }

  /** The plaintext of ciphertext ‖ tag, null when anything differs. */
  open(nonce: Uint8Array, sealed: Uint8Array): Uint8Array | null {
    if (sealed.length < 16) return null;
    const state = this.state, block = new Int32Array(16), size = sealed.length - 16;
    const view = new DataView(nonce.buffer, nonce.byteOffset, 12);
    for (let i = 0; i < 3; i++) state[13 + i] = view.getInt32(4 * i, true);
    state[12] = 0;
    chacha(state, block);
    const key = new Uint8Array(block.buffer.slice(0, 32));
    // a buffer of whole words: padded for the tag, then decrypted in place
    const words = new Int32Array(Math.ceil(size / 64) * 16);
    const data = new Uint8Array(words.buffer);
    data.set(sealed.subarray(0, size));
    const lengths = new Uint8Array(16);
    new DataView(lengths.buffer).setUint32(8, size, true);
    if (!same(poly1305(key, [data.subarray(0, Math.ceil(size / 16) * 16), lengths]), sealed.subarray(size))) return null;
    for (let at = 0; at < words.length; at += 16) {
      state[12]!++;
      chacha(state, block);
      for (let i = 0; i < 16; i++) words[at + i]! ^= block[i]!;
    }
    return data.subarray(0, size);
  }
}

/** PBKDF2-HMAC-SHA-256 with one round: what scrypt begins and ends with. */
function pbkdf2(key: Uint8Array, salt: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  for (let at = 0, n = 1; at < size; at += 32, n++) {
    out.set(hmac(key, salt, bytesOf(n, 4)).subarray(0, Math.min(32, size - at)), at);
  }
  return out;
}

const Z = new Int32Array(16);

function salsaTurn(z: Int32Array, a: number, b: number, c: number, d: number): void {
  let p = z[a]!, q = z[b]!, r = z[c]!, s = z[d]!, sum = (p + s) | 0;
  q ^= (sum << 7) | (sum >>> 25); sum = (q + p) | 0;
  r ^= (sum << 9) | (sum >>> 23); sum = (r + q) | 0;
  s ^= (sum << 13) | (sum >>> 19); sum = (s + r) | 0;
  p ^= (sum << 18) | (sum >>> 14);
  z[a] = p; z[b] = q; z[c] = r; z[d] = s;
}

/** x = salsa20/8(x ^ y[at .. at + 16)). */
function salsa(x: Int32Array, y: Int32Array, at: number): void {
  const z = Z;
  for (let i = 0; i < 16; i++) z[i] = x[i]! ^= y[at + i]!;
  for (let i = 0; i < 4; i++) {
    salsaTurn(z, 0, 4, 8, 12); salsaTurn(z, 5, 9, 13, 1); salsaTurn(z, 10, 14, 2, 6); salsaTurn(z, 15, 3, 7, 11);
    salsaTurn(z, 0, 1, 2, 3); salsaTurn(z, 5, 6, 7, 4); salsaTurn(z, 10, 11, 8, 9); salsaTurn(z, 15, 12, 13, 14);
  }
  for (let i = 0; i < 16; i++) x[i] = x[i]! + z[i]!;
}

/** scrypt with r = 8, p = 1, 32 bytes; words of the machine are little-endian, as everywhere a browser runs. */
function scrypt(passphrase: Uint8Array, salt: Uint8Array, logN: number): Uint8Array {
  const N = 2 ** logN, words = 256;
  let b = new Int32Array(pbkdf2(passphrase, salt, 1024).buffer as ArrayBuffer), next = new Int32Array(words);
  const v = new Int32Array(N * words), x = new Int32Array(16);
  const mix = (): void => {
    for (let i = 0; i < 16; i++) x[i] = b[words - 16 + i]!;
    for (let i = 0; i < 16; i++) {
      salsa(x, b, 16 * i);
      const to = 16 * ((i >> 1) + (i % 2) * 8);
      for (let k = 0; k < 16; k++) next[to + k] = x[k]!;
    }
    [b, next] = [next, b];
  };
  for (let i = 0; i < N; i++) { v.set(b, i * words); mix(); }
  for (let i = 0; i < N; i++) {
    const from = (b[words - 16]! & (N - 1)) * words;
    for (let k = 0; k < words; k++) b[k]! ^= v[from + k]!;
    mix();
  }
  return pbkdf2(passphrase, new Uint8Array(b.buffer), 32);
}

/** 32 bytes of an AGE-SECRET-KEY-1… (Bech32) in a text; throws. */
function readIdentity(said: string): Uint8Array {
  const word = (said.split(/\s+/).find((w) => w.toUpperCase().startsWith("AGE-SECRET-KEY-1")) ?? "").toLowerCase();
  const cut = word.lastIndexOf("1"), prefix = word.slice(0, cut);
  const values = Array.from(word.slice(cut + 1), (c) => "qpzry9x8gf2tvdw0s3jn54khce6mua7l".indexOf(c));
  const codes = Array.from(prefix, (c) => c.charCodeAt(0));
  let check = 1;
  for (const value of [...codes.map((c) => c >> 5), 0, ...codes.map((c) => c & 31), ...values]) {
    const top = check >> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3].forEach((g, bit) => {
      if ((top >> bit) & 1) check ^= g;
    });
  }
  if (check !== 1 || values.length !== 58 || values.includes(-1)) throw new Error("not an age identity");
  let all = 0n;
  for (const value of values.slice(0, -6)) all = (all << 5n) | BigInt(value);
  all >>= 4n;
  return Uint8Array.from({ length: 32 }, (_, i) => Number((all >> BigInt(8 * (31 - i))) & 255n));
}

/** As it was made: capital letters in groups of five; what was read aloud may come in another dress. */
function tidyPassphrase(said: string): string {
  const plain = Array.from(said.toUpperCase()).filter((c) => /[\p{L}\p{N}]/u.test(c)).join("");
  return plain.length === 25 ? plain.replace(/(.{5})(?=.)/gu, "$1-") : said.trim();
}

async function x25519(secret: Uint8Array, share: Uint8Array | null): Promise<Uint8Array> {
  const head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20];
  const pkcs8 = join(Uint8Array.from(head), secret) as Uint8Array<ArrayBuffer>;
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, true, ["deriveBits"]);
  if (!share) {
    const point = (await crypto.subtle.exportKey("jwk", key)).x!;
    return unb64(point.replaceAll("-", "+").replaceAll("_", "/"), false);
  }
  const raw = share as Uint8Array<ArrayBuffer>;
  const other = await crypto.subtle.importKey("raw", raw, { name: "X25519" }, false, []);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, key, 256));
}

const stretched = new Map<string, Uint8Array>();

async function unwrap(words: string[], body: Uint8Array, secret: Secret): Promise<Uint8Array | null> {
  let wrap: Uint8Array;
  if (words[0] === "X25519" && secret.kind === "identity" && words.length === 2) {
    const share = unb64(words[1]!, false), mine = await x25519(secret.value, null);
    wrap = hkdf(await x25519(secret.value, share), join(share, mine), "age-encryption.org/v1/X25519");
  } else if (words[0] === "scrypt" && secret.kind === "passphrase" && words.length === 3) {
    const salt = unb64(words[1]!, false), logN = Number(words[2]);
    if (!(logN >= 1 && logN <= LOG_N_MAX) || String(logN) !== words[2] || salt.length !== 16) throw new Error("scrypt");
    const name = `${words[2]} ${hex(salt)} ${hex(secret.value)}`;
    wrap = stretched.get(name) ?? scrypt(secret.value, join(utf8("age-encryption.org/v1/scrypt"), salt), logN);
    stretched.set(name, wrap);
  } else {
    return null;
  }
  return new ChaCha20Poly1305(wrap).open(new Uint8Array(12), body);
}

/** Plaintext chunks of a locked file; Bad when the secret is another's or a byte differs. */
async function* unlock(file: Blob, secret: Secret): AsyncGenerator<Uint8Array> {
  const head = new Uint8Array(await file.slice(0, 16384).arrayBuffer());
  const lines = Array.from(head, (b) => String.fromCharCode(b)).join("").split("\n");
  let key: Uint8Array | null = null, row = 1, stanzas = 0, at = 0;
  try {
    if (lines[0] !== "age-encryption.org/v1") throw new Error("not age");
    while (lines[row]!.startsWith("-> ")) {
      const words = lines[row]!.slice(3).split(" ");
      let body = "";
      row++; stanzas++;
      for (;;) { body += lines[row]!; row++; if (lines[row - 1]!.length < 64) break; }
      const found: Uint8Array | null = key ? null : await unwrap(words, unb64(body, false), secret);
      key ??= found;
    }
    const header = [...lines.slice(0, row), "---"].join("\n"), mac = lines[row]!;
    if (!key || !mac.startsWith("--- ") || stanzas > 16) throw new Error("no stanza");
    const raw = Uint8Array.from(header, (c) => c.charCodeAt(0));
    if (!same(hmac(hkdf(key, new Uint8Array(0), "header"), raw), unb64(mac.slice(4), false))) throw new Error("mac");
    at = header.length + 1 + mac.slice(4).length + 1;
  } catch {
    throw new Bad("이 암호나 열쇠로 열리지 않습니다", "it does not open with this passphrase or identity");
  }
  const nonce = new Uint8Array(await file.slice(at, at + 16).arrayBuffer());
  const cipher = new ChaCha20Poly1305(hkdf(key, nonce, "payload"));
  at += 16;
  const step = 64;
  for (let count = 0; ; ) {
    const read = new Uint8Array(await file.slice(at, at + step * (CHUNK + 16)).arrayBuffer());
    for (let from = 0; from < read.length || read.length === 0; from += CHUNK + 16, count++) {
      const last = at + from + CHUNK + 16 >= file.size;
      const plain = cipher.open(join(bytesOf(count, 11), Uint8Array.of(last ? 1 : 0)), read.subarray(from, from + CHUNK + 16));
      if (!plain) throw new Bad("잠긴 파일이 바뀌었거나 잘렸습니다", "a locked file was changed or cut");
      yield plain;
      if (last) return;
    }
    at += read.length;
  }
}
