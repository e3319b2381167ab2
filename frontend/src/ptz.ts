/** gw-ptz: steering of one camera over its tile (회전·확대 조작): stick, zone map, refusals with their article, emergency. */
import { CallError, call } from "./net.js";
import { type Pace, Stick } from "./ptz-stick.js";
import { ZoneMap, type ZoneShape } from "./ptz-map.js";
import { t } from "./text.js";

interface Ticket {
  token: string;
  url: string;
  articles: { ref: string; text: string }[];
  emergency: string | null;
  until: number;
  extended: number;
  masks: boolean;
}

interface Said {
  type: string;
  at?: [number, number, number] | null;
  inside?: boolean;
  moving?: boolean;
  returning?: boolean;
  articles?: string[];
  ko?: string;
  en?: string;
  state?: string;
  station?: string;
  left?: number;
  presets?: { token: string; name: string; inside: boolean }[];
}

const REASONS: [string, string, string][] = [
  ["112", "112 요청", "Request of 112"], ["bell", "비상벨", "Emergency bell"], ["fire", "화재", "Fire"],
  ["rescue", "요구조자", "Person to be rescued"], ["other", "기타", "Other"],
];
const SEND_MS = 200;
const RENEW_MS = 30_000;
const WORDS_MS = 6000;

function make<K extends keyof HTMLElementTagNameMap>(name: K, kind: string, text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  element.className = kind;
  element.textContent = text;
  return element;
}

/** `<gw-ptz>`; `begin(camera)` connects, `end()` lets go. Fires `gw-ptz-end` when it has ended. */
export class Ptz extends HTMLElement {
  private readonly stick = new Stick();
  private readonly map = new ZoneMap();
  private readonly status = make("div", "ptz-status");
  private readonly words = make("div", "ptz-words");
  private readonly ask = make("div", "ptz-ask");
  private readonly urgent = make("div", "ptz-urgent");
  private readonly presets = make("select", "ptz-presets");
  private leaver: HTMLButtonElement | null = null;
  private camera = "";
  private socket: WebSocket | null = null;
  private ticket: Ticket | null = null;
  private asking = false;
  private running = false;
  private timers: number[] = [];
  private wordsTimer = 0;
  private endsAt = 0;

  connectedCallback(): void {
    this.setAttribute("aria-label", t("회전·확대 조작", "Pan, tilt and zoom"));
    this.words.setAttribute("role", "alert");
    this.status.setAttribute("role", "status");
    const side = make("div", "ptz-side");
    const home = this.button(t("기본 위치", "Home"), "Home", () => this.go({ home: true }));
    const urgent = this.button(t("구역 밖", "Leave zone"), "E", () => this.name());
    const close = this.button(t("끝", "Done"), "Esc", () => this.end());
    urgent.classList.add("danger");
    this.leaver = urgent;
    this.presets.setAttribute("aria-label", t("프리셋", "Presets"));
    this.presets.addEventListener("change", () => {
      if (this.presets.value) this.go({ goto: this.presets.value });
      this.presets.value = "";
    });
    side.append(this.map.root, this.presets, home, urgent, close);
    this.replaceChildren(this.status, side, this.words, this.ask, this.urgent);
    this.stick.listen(this);
    this.ask.hidden = true;
    this.urgent.hidden = true;
  }

  disconnectedCallback(): void {
    this.end();
  }

  /** Connect to a camera's head. */
  async begin(camera: string): Promise<void> {
    this.camera = camera;
    this.note(t("연결 중", "Connecting"));
    try {
      this.ticket = await this.fresh();
    } catch (error) {
      this.failed(error);
      return;
    }
    if (!this.isConnected) return;
    this.open(this.ticket);
  }

  /** A key, while this is steered; true when it was used. */
  key(event: KeyboardEvent, down: boolean): boolean {
    if (event.ctrlKey || event.altKey || event.metaKey) return false;
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (typing) return false;
    if (this.stick.key(event, down)) return true;
    if (!down) return false;
    if (this.asking) return this.answer(event.key);
    if (event.key === "e" || event.key === "E" || event.key === "ㄷ") this.name();
    else if (event.key === "Home") this.go({ home: true });
    else if (event.key === "Escape") this.end();
    else return false;
    return true;
  }

  /** Let go: the head stands still at once, because the connection ends. */
  end(): void {
    if (!this.camera) return;
    this.camera = "";
    for (const timer of this.timers) window.clearInterval(timer);
    this.timers = [];
    this.stick.release();
    this.socket?.close();
    this.socket = null;
    this.dispatchEvent(new CustomEvent("gw-ptz-end", { bubbles: true }));
  }

  private button(text: string, key: string, act: () => void): HTMLButtonElement {
    const button = make("button", "small", text);
    button.type = "button";
    button.append(make("kbd", "", key));
    button.addEventListener("click", act);
    return button;
  }

  private fresh(): Promise<Ticket> {
    return call<Ticket>("POST", "/api/watching/ptz/token", { camera: this.camera });
  }

  private open(ticket: Ticket): void {
    const socket = new WebSocket(ticket.url);
    this.socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ token: ticket.token }));
      this.note(t("구역 안에서 조작", "Steering inside the zone"));
      this.timers.push(window.setInterval(() => this.tick(), SEND_MS), window.setInterval(() => void this.renew(), RENEW_MS),
        window.setInterval(() => this.count(), 500));
    };
    socket.onmessage = (event: MessageEvent<string>) => this.hear(JSON.parse(event.data) as Said);
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.note(t("조작 연결이 끊어졌습니다", "The stick is disconnected"));
      this.end();
    };
    window.addEventListener("blur", () => this.stick.release());
  }

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** A journey: what is still held must not end it with its own stop a moment later. */
  private go(message: object): void {
    this.stick.release();
    this.running = false;
    this.send(message);
  }

  private tick(): void {
    const pace: Pace = this.stick.pace();
    const moves = pace.some((value) => value !== 0);
    if (moves) this.send({ move: pace });
    else if (this.running) this.send({ stop: true });
    this.running = moves;
  }

  private async renew(): Promise<void> {
    try {
      this.ticket = await this.fresh();
      this.send({ token: this.ticket.token });
    } catch (error) {
      if (error instanceof CallError && error.status && error.status < 500) this.failed(error);
    }
  }

  private hear(said: Said): void {
    if (said.type === "zone") this.map.draw(said as unknown as ZoneShape);
    else if (said.type === "position") {
      this.map.see(said.at ?? null, said.inside ?? false);
      this.dataset["inside"] = String(said.inside);
      this.dataset["at"] = (said.at ?? []).join(" ");
      if (said.returning) this.note(t("기본 위치로 돌아가는 중", "Returning home"));
      else if (said.at === null) this.note(t("보는 방향을 알 수 없음", "Where it looks is unknown"));
      else this.note(this.endsAt ? t("구역 밖 긴급 조작", "Outside the zone, emergency") : t("구역 안에서 조작", "Steering inside the zone"));
    } else if (said.type === "refused") this.flash(t(said.ko ?? "", said.en ?? ""), said.articles ?? []);
    else if (said.type === "presets") this.list(said.presets ?? []);
    else if (said.type === "seat" && said.state === "taken") {
      this.stick.release();
      this.flash(t(`${said.station ?? ""}에서 조작을 넘겨받았습니다`, `${said.station ?? ""} has taken the stick`), []);
    } else if (said.type === "emergency") this.emergency(said.left ?? 0);
  }

  private list(presets: { token: string; name: string; inside: boolean }[]): void {
    const first = new Option(t("프리셋", "Presets"), "");
    this.presets.replaceChildren(first, ...presets.map((preset) => {
      const option = new Option(preset.inside ? preset.name : `${preset.name} (${t("구역 밖", "outside")})`, preset.token);
      option.disabled = !preset.inside && !this.endsAt;
      return option;
    }));
    this.presets.hidden = presets.length === 0;
  }

  private note(text: string): void {
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  private flash(text: string, articles: string[]): void {
    this.words.replaceChildren(make("strong", "", text.charAt(0).toUpperCase() + text.slice(1)), ...articles.map((article) => make("span", "ptz-article", article)));
    this.classList.remove("refused");
    void this.offsetWidth;
    this.classList.add("refused");
    window.clearTimeout(this.wordsTimer);
    this.wordsTimer = window.setTimeout(() => {
      this.words.replaceChildren();
      this.classList.remove("refused");
    }, WORDS_MS);
  }

  private failed(error: unknown): void {
    if (!(error instanceof CallError)) throw error;
    this.note(t("조작할 수 없음", "Not steered"));
    this.flash(`${error.words} ${error.next}`.trim(), error.problem.rule ? [error.problem.rule] : []);
  }

  private name(): void {
    if (this.endsAt) return;
    this.asking = true;
    const list = make("ol", "ptz-reasons");
    REASONS.forEach(([code, ko, en], index) => {
      const line = make("li", "");
      line.append(this.button(t(ko, en), String(index + 1), () => void this.leave(code)));
      list.append(line);
    });
    const law = make("details", "ptz-law");
    law.append(make("summary", "", t("근거 조문", "Articles")));
    for (const article of this.ticket?.articles ?? []) {
      const line = make("p", "");
      line.lang = "ko";
      line.append(make("strong", "", article.ref), ` ${article.text}`);
      law.append(line);
    }
    this.ask.replaceChildren(make("strong", "", t("긴급 사유를 고르면 10분 동안 구역 밖을 비춥니다", "A named reason lifts the zone for ten minutes")), list, law);
    this.ask.hidden = false;
  }

  private answer(key: string): boolean {
    const reason = REASONS[Number(key) - 1];
    if (/^[1-5]$/.test(key) && reason) void this.leave(reason[0]);
    else if (key === "Escape") this.quiet();
    else return false;
    return true;
  }

  private quiet(): void {
    const focused = this.ask.contains(document.activeElement);
    this.asking = false;
    this.ask.hidden = true;
    if (focused) this.leaver?.focus();
  }

  private async leave(reason: string): Promise<void> {
    this.quiet();
    try {
      await call("POST", "/api/watching/ptz/emergencies", { camera: this.camera, reason });
      await this.renew();
    } catch (error) {
      this.failed(error);
    }
  }

  private emergency(left: number): void {
    const began = !this.endsAt;
    this.endsAt = left > 0 ? performance.now() + left * 1000 : 0;
    this.classList.toggle("urgent", left > 0);
    if (left <= 0 && this.urgent.contains(document.activeElement)) this.leaver?.focus();
    this.urgent.hidden = left <= 0;
    if (left <= 0 || !began) return;
    const clock = make("span", "ptz-clock");
    const more = this.button(t("10분 연장", "10 minutes more"), "", () => void this.act("extend"));
    const over = this.button(t("끝내고 복귀", "End and return"), "", () => void this.act("end"));
    const said = make("input", "ptz-said");
    said.maxLength = 500;
    said.placeholder = t("무슨 일인가 — 근무가 끝나기 전까지 적어도 됩니다", "What happened; may follow until the shift's end");
    said.addEventListener("change", () => void this.act("words", { words: said.value }));
    this.urgent.replaceChildren(make("strong", "", t("구역 밖 긴급 조작", "Emergency outside the zone")), clock, more, over, said);
    this.count();
  }

  private count(): void {
    const clock = this.urgent.querySelector(".ptz-clock");
    if (!clock || !this.endsAt) return;
    const left = Math.max(0, Math.ceil((this.endsAt - performance.now()) / 1000));
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }

  private async act(what: string, body: object = {}): Promise<void> {
    const id = this.ticket?.emergency;
    if (!id) return;
    try {
      await call("POST", `/api/watching/ptz/emergencies/${id}/${what}`, body);
      if (what === "end") this.send({ end: true });
      else await this.renew();
    } catch (error) {
      this.failed(error);
    }
  }
}

customElements.define("gw-ptz", Ptz);
