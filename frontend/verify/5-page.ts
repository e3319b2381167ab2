// The page: a file and a passphrase in, lines and a picture out; nothing leaves this machine.

const MARKS: Record<State, string> = { proved: "확인", open: "미확인", wrong: "이상", note: "참고" };
const VERDICTS: Record<number, [string, string]> = {
  0: ["모두 확인되었습니다", "everything is proved"],
  1: ["이상이 있습니다. 이 묶음을 증거로 쓰지 마십시오", "something is wrong: do not rely on this bundle"],
  3: ["이상은 없으나 모두 확인되지는 않았습니다", "nothing is wrong, but not everything is proved"],
};

function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(id);
  return found;
}

function put(parent: HTMLElement, tag: string, said: string, name = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = said;
  made.className = name;
  parent.append(made);
  return made;
}

/** 32 bytes in hexadecimal or base64; null for an empty field; throws. */
function readKey(said: string): Uint8Array | null {
  const word = said.trim();
  if (word === "") return null;
  const raw = /^[0-9a-fA-F]{64}$/.test(word)
    ? Uint8Array.from(word.match(/../g)!, (pair) => parseInt(pair, 16))
    : unb64(word, true);
  if (raw.length !== 32) throw new Error("32 bytes");
  return raw;
}

function readSecret(said: string): Secret | null {
  if (said.trim() === "") return null;
  if (said.toUpperCase().includes("AGE-SECRET-KEY-1")) return { kind: "identity", value: readIdentity(said) };
  return { kind: "passphrase", value: utf8(tidyPassphrase(said)) };
}

function showAbout(bundle: Bundle): void {
  const list = find("about", HTMLElement);
  const rows: [string, string][] = [];
  const local = (second: number): string => new Date(second * 1000).toLocaleString("ko-KR", { timeZoneName: "short" });
  rows.push(["구간 / range", `${local(bundle.said.number("first"))} ~ ${local(bundle.said.number("until"))}`]);
  rows.push(["카메라 / camera", hex(bundle.said.bytes("camera"))]);
  if (bundle.about instanceof Map) {
    const about = new Fields(bundle.about);
    rows.push(["사건 / case", about.word("case")], ["근거 / ground", about.word("ground")]);
    for (const one of about.list("officers")) {
      const [person, role, method] = asList(one).map(String);
      const how = method === "unsigned" ? "서명 없음(계정 확인) / unsigned" : `서명 / ${method}`;
      rows.push(["담당자 / officer", `${role}: ${person} — ${how}`]);
    }
  }
  for (const [name, said] of rows) { put(list, "dt", name); put(list, "dd", said); }
}

async function check(event: Event): Promise<void> {
  event.preventDefault();
  const out = find("lines", HTMLElement), verdict = find("verdict", HTMLElement), films = find("films", HTMLElement);
  for (const place of [out, films, find("about", HTMLElement)]) place.replaceChildren();
  verdict.className = "";
  const fail = (ko: string, en: string): void => { verdict.textContent = `이상: ${ko} / ${en}`; verdict.className = "wrong"; };
  const file = find("file", HTMLInputElement).files?.[0];
  if (!file) { fail("증거 묶음 파일을 고르십시오", "choose the bundle's file"); return; }
  let given: Given;
  try {
    const witnesses = find("witness", HTMLInputElement).value.split(/\s+/).filter((w) => w !== "");
    given = {
      key: readKey(find("key", HTMLInputElement).value), witnesses,
      secret: readSecret(find("secret", HTMLInputElement).value),
    };
  } catch {
    fail("키나 age 비밀키를 읽을 수 없습니다. 다시 넣으십시오", "the key or identity cannot be read; enter it again");
    return;
  }
  verdict.textContent = "확인하는 중 … / checking …";
  const bundle = new Bundle(file, given, (line) => {
    const row = put(out, "li", "", line.state);
    put(row, "strong", MARKS[line.state]);
    put(row, "span", line.ko);
    put(row, "small", line.en);
  });
  await bundle.run();
  const [ko, en] = VERDICTS[bundle.code]!;
  verdict.textContent = `${ko} / ${en}`;
  verdict.className = bundle.code === 0 ? "proved" : bundle.code === 1 ? "wrong" : "open";
  if (bundle.said.map.size) showAbout(bundle);
  if (bundle.code === 1) return;
  for (const film of bundle.films) {
    put(films, "h3", film.name);
    const video = document.createElement("video");
    video.controls = true;
    video.muted = true;
    video.src = URL.createObjectURL(film.data);
    films.append(video);
  }
}

if (typeof document !== "undefined") {
  find("form", HTMLFormElement).addEventListener("submit", (event) => { void check(event); });
  const area = document.body;
  area.addEventListener("dragover", (event) => { event.preventDefault(); });
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer?.files.length) find("file", HTMLInputElement).files = event.dataTransfer.files;
  });
}
