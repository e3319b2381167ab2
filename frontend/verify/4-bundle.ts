// The steps, in order, each telling what is proved, what is not, what is wrong; the first wrong one is the last.

type State = "proved" | "open" | "wrong" | "note";
type Line = { step: string; state: State; ko: string; en: string };
type Said = [State, string, string];
type Film = { name: string; data: Blob };
type Given = { key: Uint8Array | null; witnesses: string[]; secret: Secret | null };

function when(second: number): string {
  return new Date(second * 1000).toISOString().replace("T", " ").replace(".000", "");
}

/** (place, width) of the decode time in each moof of a part; throws unless each has one track. */
function decodeTimes(data: Uint8Array): [number, number][] {
  type Box = [string, number, number];
  const boxes = (at: number, end: number): Box[] => {
    const out: Box[] = [];
    while (at < end) {
      const size = number(data, at, 4);
      if (size < 8 || at + size > end) throw new Error("box");
      out.push([String.fromCharCode(...data.subarray(at + 4, at + 8)), at + 8, at + size]);
      at += size;
    }
    return out;
  };
  const only = (at: number, end: number, kind: string): [number, number] => {
    const found = boxes(at, end).filter((box) => box[0] === kind);
    if (found.length !== 1) throw new Error(kind);
    return [found[0]![1], found[0]![2]];
  };
  return boxes(0, data.length).filter((box) => box[0] === "moof").map(([, start, end]): [number, number] => {
    const [at, to] = only(...only(start, end, "traf"), "tfdt");
    const width = data[at] === 1 ? 8 : 4;
    if (to !== at + 4 + width) throw new Error("tfdt");
    return [at + 4, width];
  });
}

class Stream {
  private data = new Uint8Array(0);
  private at = 0;
  constructor(private readonly chunks: AsyncGenerator<Uint8Array>) {}

  async take(count: number): Promise<Uint8Array> {
    if (this.data.length - this.at < count) {
      const pieces: Uint8Array[] = [this.data.subarray(this.at)];
      let have = this.data.length - this.at;
      while (have < count) {
        const piece = await this.chunks.next();
        if (piece.done) throw new Bad("봉인 원본이 잘렸습니다", "the sealed originals are cut off");
        pieces.push(piece.value);
        have += piece.value.length;
      }
      this.data = join(...pieces) as Uint8Array<ArrayBuffer>;
      this.at = 0;
    }
    this.at += count;
    return this.data.subarray(this.at - count, this.at);
  }

  async ended(): Promise<boolean> {
    if (this.at !== this.data.length) return false;
    for await (const piece of this.chunks) if (piece.length) return false;
    return true;
  }
}

/** Opens the sealed parts one by one and makes the clips' digests from them. */
class Reader {
  count = 0;
  leftOut = 0;
  about: Cbor = null;
  private readonly last = new Map<number, number>();
  readonly seconds = new Set<number>();
  readonly clips: { size: number; hash: Sha256; fields: Fields }[];
  private readonly segments: Uint8Array[] = [];
  private readonly inits = new Map<number, Uint8Array>();
  private key = { segment: -1, tick: -1, okm: new Uint8Array(0) };

  constructor(private readonly said: Fields, private readonly hashes: Uint8Array[]) {
    this.clips = said.list("clips").map((clip) => ({ size: 0, hash: new Sha256(), fields: new Fields(clip) }));
  }

  async record(kind: string, body: Uint8Array): Promise<void> {
    if (kind === "A" && this.count === 0) {
      const inner = new Fields(uncbor(body)), about = inner.get("about");
      if (!same(hmac(inner.bytes("salt"), utf8("gwanje/v1/about\0"), cbor(about)), this.said.bytes("about"))) {
        throw new Bad("사건·승인 내용이 명세와 다릅니다", "case and officers are not the manifest's");
      }
      this.about = about;
    } else if (kind === "S") {
      const head = body.length === 128 && hex(body.subarray(0, 10)) === "475753454700010a0001";
      const mine = head && same(body.subarray(80, 96), this.said.bytes("centre"));
      if (!mine || number(body, 24, 4) !== this.said.number("slot") || number(body, 28, 4) !== this.said.number("stream")) {
        throw new Bad("다른 카메라나 센터의 영상입니다", "a segment of another camera or centre");
      }
      this.segments.push(body.slice());
    } else if (kind === "K") {
      this.key = { segment: number(body, 0, 4), tick: number(body, 4, 2), okm: body.slice(6) };
    } else if (kind === "P") {
      await this.part(number(body, 0, 4), body.slice(4));
    } else if (kind !== "Z" || body.length !== 4 || number(body) !== this.count) {
      throw new Error("record");
    }
  }

  private async part(index: number, part: Uint8Array): Promise<void> {
    const n = this.count + 1, segment = this.segments[index], { tick, okm } = this.key;
    if (!segment) throw new Error("segment");
    const second = number(segment, 16, 8) * 3600 + tick, kind = part[6]!;
    const legal = hex(part.subarray(0, 5)) === "4757505401" && index === this.key.segment && number(part, 8, 4) === tick
      && Math.floor(number(part, 16, 8) / 1e6) === second && part[7]! <= 1 && part.length === 80 + number(part, 28, 4);
    if (!legal || second < this.said.number("first") || second >= this.said.number("until")) {
      throw new Bad(`${n}번째 조각의 시각이나 자리가 틀립니다`, `part ${n} is out of its place or time`);
    }
    const bytes = part as Uint8Array<ArrayBuffer>;
    const listed = this.hashes[this.count];
    if (!listed) throw new Error("more parts than listed");
    if (!same(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), listed)) {
      throw new Bad(`${n}번째 조각이 증명된 것과 다릅니다`, `part ${n} is not the one that was proved`);
    }
    if (okm.length !== 64 || !same(part.subarray(32, 64), okm.subarray(32)) || part[5] !== 1) {
      throw new Bad(`${n}번째 조각의 열쇠가 다릅니다`, `the key of part ${n} is another's`);
    }
    const plain = await this.opened(segment, bytes, okm, kind, n);
    if (kind === 2) {
      if (!same(sha(plain), segment.subarray(96, 128))) throw new Bad("영상 머리글이 다릅니다", "the codec's header is another's");
      this.inits.set(index, plain);
    } else if (kind === 1) {
      this.film(index, plain);
    } else {
      throw new Error("kind");
    }
    const ordinal = number(part, 12, 4), before = this.last.get(index) ?? ordinal - 1;
    if (ordinal <= before) throw new Bad(`${n}번째 조각의 순서가 바뀌었습니다`, `part ${n} is out of its order`);
    this.leftOut += ordinal - before - 1;
    this.last.set(index, ordinal);
    this.seconds.add(second);
    this.count++;
  }

  private async opened(segment: Uint8Array, part: Uint8Array<ArrayBuffer>, okm: Uint8Array, kind: number, n: number) {
    const iv = join(Uint8Array.of(kind, 0, 0, 0, 0, 0, 0, 0), part.subarray(12, 16)) as Uint8Array<ArrayBuffer>;
    const raw = okm.slice(0, 32) as Uint8Array<ArrayBuffer>;
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
    const additionalData = join(sha(segment), part.subarray(0, 64)) as Uint8Array<ArrayBuffer>;
    try {
      return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, part.subarray(64)));
    } catch {
      throw new Bad(`${n}번째 조각이 바뀌었습니다`, `part ${n} was changed`);
    }
  }

  private film(index: number, plain: Uint8Array): void {
    for (const clip of this.clips) {
      const { fields, hash } = clip;
      if (this.count < fields.number("from") || this.count >= fields.number("until")) continue;
      const out = plain.slice(), base = fields.number("base");
      const init = this.count === fields.number("from") ? this.inits.get(index) : new Uint8Array(0);
      if (!init) throw new Error("init");
      decodeTimes(plain).forEach(([at, width], i) => {
        const time = number(plain, at, width);
        if (i === 0 && init.length && time !== base) {
          throw new Bad("영상 파일의 시작 시각이 다릅니다", "a clip begins at another time");
        }
        if (time < base) throw new Error("time");
        out.set(bytesOf(time - base, width), at);
      });
      hash.update(init).update(out);
      clip.size += init.length + out.length;
    }
  }

  missing(): string {
    const out: [number, number][] = [];
    for (let s = this.said.number("first"); s < this.said.number("until"); s++) {
      if (this.seconds.has(s)) continue;
      const last = out.at(-1);
      if (last && last[1] === s) last[1] = s + 1; else out.push([s, s + 1]);
    }
    return JSON.stringify(out);
  }
}

class Bundle {
  static readonly STEPS = ["box", "signature", "listed", "checkpoint", "witness", "proofs", "unlock", "parts", "clips", "camera"] as const;
  readonly lines: Line[] = [];
  readonly films: Film[] = [];
  about: Cbor = null;
  said = new Fields(new Map());
  private files = new Map<string, Blob>();
  private note: Note | null = null;
  private hashes: Uint8Array[] = [];
  private made: Reader["clips"] = [];

  constructor(private readonly file: Blob, private readonly given: Given, private readonly tell: (line: Line) => void) {}

  /** 0 all proved, 1 something is wrong, 3 nothing wrong but not all of it proved. */
  get code(): number {
    const states = new Set(this.lines.map((line) => line.state));
    return states.has("wrong") ? 1 : states.has("open") ? 3 : 0;
  }

  async run(): Promise<void> {
    for (const step of Bundle.STEPS) {
      const add = (state: State, ko: string, en: string): void => {
        this.lines.push({ step, state, ko, en });
        this.tell({ step, state, ko, en });
      };
      try {
        for await (const [state, ko, en] of this[step]()) add(state, ko, en);
      } catch (error) {
        if (error instanceof Bad) add("wrong", error.ko, error.en);
        else add("wrong", "읽을 수 없는 값이 있습니다", "a value cannot be read");
        return;
      }
      if (step === "unlock" && !this.given.secret) return;
    }
  }

  private async *box(): AsyncGenerator<Said> {
    this.files = await members(this.file);
    yield ["proved", `파일 ${this.files.size}개, 정해진 형식`, `${this.files.size} files in the one legal form`];
  }

  private async *signature(): AsyncGenerator<Said> {
    const message = asList(uncbor(await whole(this.files.get("manifest.cose"))));
    if (message.length !== 4) throw new Error("four");
    const protect = asBytes(message[0]), payload = asBytes(message[2]), signature = asBytes(message[3]);
    const said = new Fields(uncbor(payload)), key = this.given.key ?? said.bytes("key");
    const head = new Map<Cbor, Cbor>([[1, -8], [4, sha(key).slice(0, 16)]]);
    const mine = same(protect, cbor(head)) && same(cbor(message[1]!), cbor(new Map())) && same(said.bytes("key"), key);
    const covered = cbor(["Signature1", protect, utf8("gwanje/v1/bundle"), payload]);
    if (!mine || said.get("v") !== 1 || !(await signedBy(key, signature, covered))) {
      throw new Bad("명세에 이 키의 바른 서명이 없습니다", "the manifest is not signed by this key");
    }
    const length = said.number("until") - said.number("first");
    if (length <= 0 || length > 86400 || said.number("parts") > 400000) {
      throw new Bad("구간이 하루를 넘습니다", "the range is longer than a day");
    }
    this.said = said;
    const print = hex(sha(key)), span = `${when(said.number("first"))} ~ ${when(said.number("until"))}`;
    yield ["proved", `센터 금고가 명세에 서명함: 카메라 ${hex(said.bytes("camera"))}, ${span}, 키 지문 ${print}`,
      `vaultd signed the manifest; key fingerprint ${print}`];
    if (!this.given.key) {
      yield ["open", "서명 키가 묶음 안의 것임: 키 지문을 센터가 공표한 것과 견주거나 키를 넣으십시오",
        "the key came with the bundle: compare its fingerprint with what the centre publishes"];
    }
  }

  private async *listed(): AsyncGenerator<Said> {
    const shown = (value: Cbor): unknown => {
      if (value instanceof Map) {
        const names = Array.from(value.keys(), String).filter((name) => name !== "files").sort();
        return Object.fromEntries(names.map((name) => [name, shown(value.get(name)!)]));
      }
      return value instanceof Uint8Array ? hex(value) : Array.isArray(value) ? value.map(shown) : value;
    };
    const files = new Fields(this.said.get("files"));
    const wanted = [...Array.from(files.map.keys(), String), "manifest.cose"].sort();
    if (JSON.stringify(wanted) !== JSON.stringify([...this.files.keys()].sort())) {
      throw new Bad("명세와 파일 목록이 다릅니다", "the files are not those of the manifest");
    }
    for (const [name, pair] of files.map) {
      const blob = this.files.get(String(name))!, [size, digest] = asList(pair);
      if (blob.size !== size || !same(await digestOf(blob), asBytes(digest))) {
        throw new Bad(`${String(name)} 파일이 바뀌었습니다`, `${String(name)} was changed`);
      }
    }
    const again = JSON.stringify(shown(this.said.map), null, 1) + "\n";
    if (!same(utf8(again), await whole(this.files.get("manifest.json")))) {
      throw new Bad("읽는 명세가 서명된 명세와 다릅니다", "manifest.json is not what was signed");
    }
    yield ["proved", "모든 파일이 서명된 명세와 같음", "every file is as the signed manifest says"];
  }

  private async *checkpoint(): AsyncGenerator<Said> {
    if (this.said.get("checkpoint") === null) {
      yield ["open", "관리대장 검증 지점이 없음", "no checkpoint of the ledger is enclosed"];
      return;
    }
    const note = noteOf(text(await whole(this.files.get("checkpoint.txt"))));
    this.note = note;
    const key = this.said.bytes("checkpoint_key"), [size, root] = this.said.list("checkpoint");
    const mark = sha(utf8(note.origin), utf8("\n\u0001"), key).subarray(0, 4);
    let mine = false;
    for (const [name, blob] of note.signatures) {
      if (name !== note.origin || !same(blob.subarray(0, 4), mark)) continue;
      mine ||= await signedBy(key, blob.subarray(4), utf8(note.text));
    }
    if (note.size !== size || !same(note.root, asBytes(root)) || !mine) {
      throw new Bad("검증 지점에 센터의 바른 서명이 없습니다", "the checkpoint is not signed by the centre");
    }
    yield ["proved", `관리대장 ${note.size}건의 검증 지점이 서명됨`, `the checkpoint over ${note.size} rows is signed`];
  }

  private async *witness(): AsyncGenerator<Said> {
    for (const witness of this.given.witnesses) {
      const [name, mark, ...rest] = witness.split("+"), key = unb64(rest.join("+"), true).subarray(1);
      let stamp = -1;
      for (const [other, blob] of this.note?.signatures ?? []) {
        if (other !== name || hex(blob.subarray(0, 4)) !== mark || blob.length !== 76) continue;
        const at = number(blob, 4, 8), said = utf8(`cosignature/v1\ntime ${at}\n${this.note!.text}`);
        if (await signedBy(key, blob.subarray(12), said)) stamp = at;
      }
      if (stamp < 0) throw new Bad(`증인 ${name}의 바른 서명이 없습니다`, `witness ${name} has not signed this checkpoint`);
      yield ["proved", `증인 ${name}이(가) ${when(stamp)}에 확인함`, `witness ${name} cosigned at ${stamp}`];
    }
    if (this.given.witnesses.length === 0) {
      yield ["note", "밖의 증인 서명은 확인하지 않음 (증인 키를 넣으면 확인)",
        "no witness key was given: a centre that shows different ledgers is not excluded"];
    }
  }

  private async *proofs(): AsyncGenerator<Said> {
    const data = await whole(this.files.get("proofs.bin")), point = this.said.get("checkpoint");
    const prover = point === null ? null : new Prover(asNumber(asList(point)[0]), asBytes(asList(point)[1]));
    if (hex(data.subarray(0, 8)) !== "475750524600010a") throw new Error("magic");
    let unproved = 0;
    for (let at = 8; at < data.length; ) {
      const part = data.slice(at, at + 32), segment = data.slice(at + 32, at + 64), length = number(data, at + 64, 2);
      const n = this.hashes.push(part);
      if (length && prover) {
        try {
          prover.check(data.subarray(at + 66, at + 66 + length), segment, part);
        } catch {
          throw new Bad(`${n}번째 조각의 증명이 틀립니다`, `the proof of part ${n} is false`);
        }
      } else {
        unproved++;
      }
      at += 66 + length;
    }
    if (this.hashes.length !== this.said.get("parts") || !same(treeRoot(this.hashes), this.said.bytes("parts_root"))) {
      throw new Bad("조각 목록이 명세와 다릅니다", "the list of parts is not the manifest's");
    }
    const proved = this.hashes.length - unproved;
    if (proved && prover) {
      const late = when(Math.floor(prover.latest / 1e6));
      yield ["proved", `조각 ${proved}개가 늦어도 ${late}에 관리대장에 봉인되어 있었음`,
        `${proved} parts were sealed in the ledger by ${late} at the latest`];
    }
    if (unproved) {
      yield ["open", `조각 ${unproved}개는 관리대장 증명이 없음`, `${unproved} parts have no proof from the ledger`];
    }
  }

  private async *unlock(): AsyncGenerator<Said> {
    if (!this.given.secret) {
      yield ["open", "암호나 열쇠가 없어 영상은 열지 않음", "locked: no passphrase or identity was given"];
      return;
    }
    const sealed = this.files.get("sealed.age");
    if (!sealed) throw new Error("no sealed.age");
    await unlock(sealed, this.given.secret).next();
    yield ["proved", "잠긴 파일이 열림", "the locked files open"];
  }

  private async *parts(): AsyncGenerator<Said> {
    const stream = new Stream(unlock(this.files.get("sealed.age")!, this.given.secret!));
    const reader = new Reader(this.said, this.hashes);
    if (hex(await stream.take(8)) !== "4757534c4400010a") throw new Error("magic");
    for (let kind = ""; kind !== "Z"; ) {
      kind = String.fromCharCode((await stream.take(1))[0]!);
      await reader.record(kind, await stream.take(number(await stream.take(4))));
    }
    const missing = JSON.stringify(this.said.list("missing"));
    if (!(await stream.ended()) || reader.count !== this.said.get("parts") || reader.missing() !== missing) {
      throw new Bad("봉인 원본의 조각 수나 빈 구간이 명세와 다릅니다", "parts or missing seconds are not the manifest's");
    }
    this.made = reader.clips;
    this.about = reader.about;
    yield ["proved", `봉인 원본 ${reader.count}조각이 각 초의 열쇠로 열림`, `${reader.count} sealed parts open, unchanged`];
    for (const pair of this.said.list("missing")) {
      const [first, until] = asList(pair).map((v) => asNumber(v)) as [number, number];
      yield ["open", `영상 없음: ${when(first)} ~ ${when(until)} (녹화되지 않았다는 증명은 아님)`,
        `nothing is enclosed from ${first} to ${until}; that nothing was recorded is not proved`];
    }
    if (reader.leftOut) {
      yield ["open", `사이의 조각 ${reader.leftOut}개가 들어 있지 않음`, `${reader.leftOut} parts in between are not enclosed`];
    }
  }

  private async *clips(): AsyncGenerator<Said> {
    for (const { fields, size, hash } of this.made) {
      const name = fields.word("name"), pieces: Uint8Array<ArrayBuffer>[] = [], got = new Sha256(), file = this.files.get(name);
      if (!file) throw new Error("no clip");
      let length = 0;
      for await (const chunk of unlock(file, this.given.secret!)) {
        got.update(chunk);
        length += chunk.length;
        pieces.push(chunk as Uint8Array<ArrayBuffer>);
      }
      const digest = got.digest(), wanted = fields.bytes("sha256");
      if (length !== size || size !== fields.number("size") || !same(digest, hash.digest()) || !same(digest, wanted)) {
        throw new Bad(`${name}이(가) 봉인 원본과 다릅니다`, `${name} is not what was sealed`);
      }
      this.films.push({ name: name.replace(/\.age$/, ""), data: new Blob(pieces, { type: "video/mp4" }) });
      yield ["proved", `${name}: 봉인 원본에서 만든 것과 같음`, `${name} is what the parts give`];
    }
  }

  /** What the centre says of the camera's own signature; verify.py reckons it again, this page repeats it. */
  private async *camera(): AsyncGenerator<Said> {
    const said = this.said.map.get("signed");
    if (said === undefined) return;
    const states: Record<string, [string, string]> = {
      valid: ["유효", "valid"], broken: ["깨짐", "broken"], unknown: ["키를 모름", "key unknown"],
      open: ["미치지 않음", "not covered"], none: ["없음", "none"],
    };
    for (const [index, clip] of new Fields(said).list("clips").entries()) {
      const name = new Fields(this.said.list("clips")[index]!).word("name");
      for (const span of new Fields(clip).list("spans")) {
        const [state, first, until, key, why] = asList(span);
        const [ko, en] = states[String(state)]!;
        const range = `${when(Math.floor(asNumber(first) / 1e6))} ~ ${when(Math.floor(asNumber(until) / 1e6))}`;
        const tail = `${name} ${range} ${hex(asBytes(key))} ${String(why)}`;
        yield ["note", `센터가 적은 카메라 자체 서명: ${ko} (이 화면은 다시 계산하지 않음, verify.py로 확인): ${tail}`,
          `the camera's own signature, by the centre's word: ${en}; check it with verify.py: ${tail}`];
      }
    }
  }
}
