// SHA-256 (FIPS 180-4), HMAC, HKDF: synchronous and in pieces, which WebCrypto's digest is not.
// These files are plain scripts that stand one behind the other in one page: no module, no import, nothing to fetch.

const K256 = new Int32Array(64);
const H256 = new Int32Array(8);
{
  // fractional parts of the cube and square roots of the first primes
  let count = 0;
  for (let n = 2; count < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (count < 8) H256[count] = (Math.sqrt(n) % 1) * 4294967296;
    K256[count++] = (Math.cbrt(n) % 1) * 4294967296;
  }
}

class Sha256 {
  private readonly h = H256.slice();
  private readonly w = new Int32Array(64);
  private readonly rest = new Uint8Array(64);
  private have = 0;
  private total = 0;

  update(data: Uint8Array): this {
    this.total += data.length;
    let at = 0;
    if (this.have > 0) {
      at = Math.min(64 - this.have, data.length);
      this.rest.set(data.subarray(0, at), this.have);
      this.have += at;
      if (this.have < 64) return this;
      this.block(this.rest, 0);
      this.have = 0;
    }
    for (; at + 64 <= data.length; at += 64) this.block(data, at);
    this.rest.set(data.subarray(at));
    this.have = data.length - at;
    return this;
  }

  digest(): Uint8Array {
    const bits = this.total * 8;
    const pad = new Uint8Array(((this.have < 56 ? 64 : 128) - this.have));
    pad[0] = 0x80;
    const view = new DataView(pad.buffer);
    view.setUint32(pad.length - 8, Math.floor(bits / 4294967296));
    view.setUint32(pad.length - 4, bits >>> 0);
    this.update(pad);
    const out = new Uint8Array(32);
    const to = new DataView(out.buffer);
    this.h.forEach((word, i) => { to.setInt32(4 * i, word); });
    return out;
  }

  private block(data: Uint8Array, at: number): void {
    const w = this.w, h = this.h;
    for (let i = 0; i < 16; i++, at += 4) {
      w[i] = (data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15]!, y = w[i - 2]!;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
    }
    let a = h[0]!, b = h[1]!, c = h[2]!, d = h[3]!, e = h[4]!, f = h[5]!, g = h[6]!, k = h[7]!;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (k + s1 + ((e & f) ^ (~e & g)) + K256[i]! + w[i]!) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      k = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    h[0] = h[0]! + a; h[1] = h[1]! + b; h[2] = h[2]! + c; h[3] = h[3]! + d;
    h[4] = h[4]! + e; h[5] = h[5]! + f; h[6] = h[6]! + g; h[7] = h[7]! + k;
  }
}

function join(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
}

function sha(...parts: Uint8Array[]): Uint8Array {
  const made = new Sha256();
  for (const part of parts) made.update(part);
  return made.digest();
}

function hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha(key) : key);
  return sha(block.map((b) => b ^ 0x5c), sha(block.map((b) => b ^ 0x36), ...parts));
}

/** HKDF-SHA-256 (RFC 5869), 32 bytes. */
function hkdf(key: Uint8Array, salt: Uint8Array, info: string): Uint8Array {
  return hmac(hmac(salt, key), utf8(info), Uint8Array.of(1));
}

function utf8(text: string): Uint8Array { return new TextEncoder().encode(text); }
function text(data: Uint8Array): string { return new TextDecoder("utf-8", { fatal: true }).decode(data); }
function hex(data: Uint8Array): string { return Array.from(data, (b) => b.toString(16).padStart(2, "0")).join(""); }
function same(a: Uint8Array, b: Uint8Array): boolean { return a.length === b.length && a.every((v, i) => v === b[i]); }

/** Standard base64 without a bit to spare; throws. */
function unb64(word: string, padded: boolean): Uint8Array {
  const raw = Uint8Array.from(atob(word), (c) => c.charCodeAt(0));
  const again = btoa(String.fromCharCode(...raw));
  if ((padded ? again : again.replace(/=+$/, "")) !== word) throw new Error("base64");
  return raw;
}

/** Big-endian number of up to seven bytes. */
function number(data: Uint8Array, at = 0, size = data.length - at): number {
  let value = 0;
  for (let i = at; i < at + size; i++) value = value * 256 + data[i]!;
  if (at + size > data.length || !Number.isSafeInteger(value)) throw new Error("number");
  return value;
}

function bytesOf(value: number, size: number): Uint8Array {
  const out = new Uint8Array(size);
  for (let i = size - 1; i >= 0; i--) { out[i] = value % 256; value = Math.floor(value / 256); }
  return out;
}
