/** gw-tile: one camera's present (실시간 화면). Token, WebSocket, MediaSource, live edge, calm words for each state. */
import { Edge } from "./edge.js";
import { CallError } from "./net.js";
import { centreNow } from "./now.js";
import { FRAGMENT, INIT, Pipe, message } from "./pipe.js";
import { type Line, lineTo } from "./relay.js";
import { codecName } from "./seat.js";
import { span, t } from "./text.js";
import { type StreamName, type Ticket, guessOf, learn, placeOf, ticketFor } from "./tickets.js";

/** Where a tile stands. */
export type TileState = "idle" | "connecting" | "live" | "stalled" | "refused" | "no-signal";

const STALLED_MS = 3000;
const SILENT_MS = 12_000;
const RENEW_MS = 30_000;
/** A broken glass is asked for anew within its token's 20 s: it ends soon after it was ended by hand. */
const GLASS_RENEW_MS = 9000;
const RENEW_TOGETHER_MS = 300;
const BACKOFF_MS = [400, 800, 1600, 3200, 6400, 10_000];
/** A camera that was live a minute ago is somebody's soon: its tile does not wait for the longest pauses. */
const RECENT_MS = 60_000;
const RECENT_TRIES = 3;
const MOVED = 4410;
const MOVED_SHOWN_MS = 15_000;
const WORDS: Record<TileState, [string, string]> = {
  idle: ["빈 칸", "Empty"],
  connecting: ["연결 중", "Connecting"],
  live: ["", ""],
  stalled: ["영상이 멈춤", "Picture stalled"],
  refused: ["볼 수 없음", "Not shown"],
  "no-signal": ["신호 없음", "No signal"],
};

const NEXT: Record<StreamName, StreamName | null> = { main: "sub", sub: "transcode", transcode: null };
/** Streams that this seat could not decode, `camera/stream`: not tried again on this page. */
const cannot = new Set<string>();

/** What is left of a break-glass; a telephone's tile has room for the number beside its red frame, no more. */
function glassWords(left: number): string {
  const narrow = window.matchMedia("(max-width: 560px)").matches;
  return narrow ? span(left) : `${t("비상 열람", "Glass broken")} ${span(left)}`;
}

/** What a tile says of a camera whose codec this seat cannot decode. */
export interface CodecNews {
  camera: string;
  codec: string;
  using: StreamName | null;
}

/** `<gw-tile>`; `show(camera, label)` begins, `clear()` ends. Fires `gw-state` when its state changes. */
export class Tile extends HTMLElement {
  private readonly video = document.createElement("video");
  private readonly label = document.createElement("span");
  private readonly note = document.createElement("div");
  private readonly badge = document.createElement("span");
  private readonly glass = document.createElement("span");
  private readonly pipe: Pipe = new Pipe(this.video, 8, () => this.retry(), () => this.edge.grown());
  private readonly edge = new Edge(this.video, this.pipe);
  private line: Line | null = null;
  private lineUrl = "";
  private token = "";
  private greeted = false;
  private turns = 0;
  private turning = 0;
  private camera = "";
  private stream: StreamName = "sub";
  private using: StreamName = "sub";
  private codec = "";
  private busy = "";
  private url = "";
  private glassUntil = 0;
  private movedAt = Number.NEGATIVE_INFINITY;
  private liveAt = Number.NEGATIVE_INFINITY;
  private askedAt = 0;
  private tries = 0;
  private generation = 0;
  private frameAt = 0;
  private retryTimer = 0;
  private renewTimer = 0;
  private watchTimer = 0;
  private built = false;

  /** Id of the camera shown, empty when none. */
  get shown(): string {
    return this.camera;
  }

  connectedCallback(): void {
    if (!this.built) this.build();
    window.clearInterval(this.watchTimer);
    this.watchTimer = window.setInterval(() => this.watch(), 250);
    if (this.camera) this.start();
    else this.state("idle");
  }

  disconnectedCallback(): void {
    window.clearInterval(this.watchTimer);
    this.stop();
  }

  /** Show a camera; the same camera and stream again changes nothing. */
  show(camera: string, label: string, stream: "main" | "sub" = "sub"): void {
    this.label.textContent = label;
    this.label.title = label;
    this.setAttribute("aria-label", label);
    if (camera === this.camera && stream === this.stream) return;
    if (camera !== this.camera) this.through(null);
    this.camera = camera;
    this.stream = stream;
    this.tries = 0;
    if (this.isConnected) this.start();
  }

  /** Show nothing. */
  clear(): void {
    this.camera = "";
    this.through(null);
    this.label.textContent = "";
    this.setAttribute("aria-label", t("빈 칸", "Empty"));
    this.stop();
    this.state("idle");
  }

  private build(): void {
    this.built = true;
    const bar = document.createElement("div");
    bar.className = "tile-bar";
    this.label.className = "tile-label";
    const dot = document.createElement("span");
    dot.className = "tile-dot";
    this.badge.className = "tile-badge";
    this.badge.hidden = true;
    this.glass.className = "tile-glass";
    this.glass.hidden = true;
    bar.append(dot, this.label, this.glass, this.badge);
    this.note.className = "tile-note";
    this.note.setAttribute("role", "status");
    this.video.muted = true;
    this.video.autoplay = true;
    this.video.playsInline = true;
    this.video.disablePictureInPicture = true;
    this.video.tabIndex = -1;
    this.append(this.video, bar, this.note);
  }

  private start(): void {
    const kept = this.detached();
    this.stop();
    this.line = kept;
    this.using = this.stream;
    while (cannot.has(`${this.camera}/${this.using}`) && NEXT[this.using]) this.using = NEXT[this.using] as StreamName;
    this.mark();
    this.state("connecting");
    this.pipe.prepare();
    void this.open(++this.generation);
  }

  private stop(): void {
    this.generation++;
    window.clearTimeout(this.retryTimer);
    window.clearTimeout(this.renewTimer);
    this.hangUp();
    this.pipe.reset();
    this.edge.reset();
    this.frameAt = 0;
  }

  /** An open line to where the camera is: turning to it needs a token, and no new connection. */
  private detached(): Line | null {
    const line = this.line;
    if (!line || !this.greeted || guessOf(this.camera) !== this.lineUrl) return null;
    if (this.token) this.turning = ++this.turns;
    this.line = null;
    this.token = "";
    return line;
  }

  private hangUp(): void {
    const line = this.line;
    this.line = null;
    this.token = "";
    line?.close();
  }

  private ticket(waitMs = 0): Promise<Ticket> {
    return ticketFor(this.camera, this.using, waitMs);
  }

  /** Say beside the name that this is not the stream that was asked for, or that another recorder has taken over. */
  private mark(): void {
    const moved = performance.now() - this.movedAt < MOVED_SHOWN_MS;
    this.badge.hidden = this.using === this.stream && !moved;
    if (this.using !== this.stream) {
      this.badge.textContent = this.using === "transcode" ? t("변환", "converted") : t("보조", "sub");
      this.badge.title =
        this.using === "transcode"
          ? t("이 좌석이 재생하지 못하는 형식이라 H.264로 변환해 보여 줍니다(640픽셀 폭).", "Converted to H.264, 640 pixels wide, for this seat.")
          : t("이 좌석이 재생하지 못하는 형식이라 보조영상을 보여 줍니다.", "The sub-stream, because this seat cannot play the main one.");
    } else if (moved) {
      this.badge.textContent = t("녹화기 전환", "recorder changed");
      this.badge.title = t("다른 녹화기가 이 기기를 이어받아 녹화합니다.", "Another recorder has taken this camera over.");
    }
  }

  /** Another recorder has the camera now. */
  private transfer(ticket: Ticket): void {
    learn(this.camera, ticket.url);
    this.moved();
    this.start();
  }

  /** The ticket names another recorder than before. */
  private moved(): void {
    this.movedAt = performance.now();
    this.mark();
    window.setTimeout(() => this.mark(), MOVED_SHOWN_MS + 100);
  }

  /** This seat cannot decode the stream: main → sub → transcode. */
  private fallBack(): void {
    cannot.add(`${this.camera}/${this.using}`);
    const next = NEXT[this.using];
    const news: CodecNews = { camera: this.camera, codec: this.codec, using: next };
    this.dispatchEvent(new CustomEvent("gw-codec", { detail: news, bubbles: true }));
    if (next) this.start();
    else {
      this.stop();
      const name = codecName(this.codec);
      this.state("refused", t(`이 좌석의 브라우저는 ${name}를 재생하지 못합니다.`, `This seat's browser cannot play ${name}.`));
    }
  }

  /** Connect where the camera was last while the right is asked for; nothing is said there before it is granted. */
  private async open(generation: number): Promise<void> {
    const guess = guessOf(this.camera);
    if (this.line) this.listen(this.line, generation);
    else if (guess) this.connect(guess, generation);
    let ticket: Ticket;
    try {
      ticket = await this.ticket(this.tries > 1 ? RENEW_TOGETHER_MS : 0);
    } catch (error) {
      if (generation === this.generation) {
        this.hangUp();
        this.refused(error);
      }
      return;
    }
    if (generation !== this.generation) return;
    if (ticket.label) this.label.textContent = this.label.title = ticket.label;
    this.through(ticket);
    const before = placeOf(this.camera);
    learn(this.camera, ticket.url);
    if (before && before !== ticket.url) this.moved();
    if (this.line && ticket.url !== this.lineUrl) this.hangUp();
    this.url = ticket.url;
    this.frameAt = performance.now();
    if (!this.line) this.connect(ticket.url, generation);
    this.token = ticket.token;
    this.present();
    this.renewLater();
  }

  private connect(url: string, generation: number): void {
    this.line = lineTo(url);
    this.lineUrl = url;
    this.greeted = false;
    this.turns = this.turning = 0;
    this.listen(this.line, generation);
  }

  private listen(line: Line, generation: number): void {
    line.onopen = () => {
      this.greeted = true;
      this.present();
    };
    line.onmessage = (event) => {
      if (generation !== this.generation || this.line !== line) return;
      if (typeof event.data === "string") this.told(event.data);
      else if (!this.turning) this.take(event.data);
    };
    line.onclose = (event) => {
      if (generation !== this.generation || this.line !== line) return;
      this.line = null;
      // a guess that led nowhere: the ticket will name the right place
      if (this.token) this.retry(event.code);
    };
  }

  /** Show the token once both are there: the right and the connection. */
  private present(): void {
    if (!this.greeted || !this.token) return;
    const turn = this.turning ? { turn: this.turning } : {};
    this.line?.send(JSON.stringify({ token: this.token, ...turn }));
  }

  private told(text: string): void {
    const said = JSON.parse(text) as { type: string; codec?: string; ko?: string; en?: string; turn?: number };
    // until then all that comes is of the camera that this line showed before
    if (said.type === "turned" && said.turn === this.turning) this.turning = 0;
    else if (this.turning && said.type !== "busy") return;
    else if (said.type === "init") this.codec = said.codec ?? "";
    else if (said.type === "busy") {
      this.busy = t(said.ko ?? "", said.en ?? "");
      this.state("no-signal", this.busy);
    }
  }

  private take(data: ArrayBuffer): void {
    const part = message(data);
    if (!part) return;
    if (part.kind === INIT) {
      if (!this.pipe.begin(part.body, this.codec)) this.fallBack();
      return;
    }
    if (part.kind !== FRAGMENT) return;
    this.frameAt = performance.now();
    this.edge.arrived();
    this.pipe.push(part.body);
  }

  private refused(error: unknown): void {
    if (!(error instanceof CallError)) throw error;
    if (error.status === 409) this.state("no-signal", error.words);
    else if (error.status === 401 || error.status === 403 || error.status === 404) {
      this.state("refused", error.words);
      return;
    } else this.state("connecting", error.words);
    this.retryLater();
  }

  private renewLater(): void {
    window.clearTimeout(this.renewTimer);
    const generation = this.generation;
    this.renewTimer = window.setTimeout(async () => {
      try {
        const ticket = await this.ticket(RENEW_TOGETHER_MS);
        if (generation !== this.generation) return;
        if (ticket.url !== this.url) {
          this.transfer(ticket);
          return;
        }
        this.renew(ticket);
        this.renewLater();
      } catch (error) {
        if (generation !== this.generation) return;
        // away for a moment: the running token still has half a minute
        if (error instanceof CallError && (error.status === 0 || error.status >= 500)) this.renewSoon();
        else {
          this.stop();
          this.refused(error);
        }
      }
    }, this.glassUntil ? GLASS_RENEW_MS : RENEW_MS);
  }

  /** A camera beyond this person's right is shown in red, with what is left of its minutes. */
  private through(ticket: Ticket | null): void {
    this.glassUntil = ticket?.glass ?? 0;
    this.toggleAttribute("data-glass", this.glassUntil > 0);
    this.glass.hidden = !this.glassUntil;
    if (this.glassUntil) this.glass.textContent = glassWords(this.glassUntil - centreNow());
  }

  /** True when its minutes are over: nothing more is asked for. */
  private over(): boolean {
    if (!this.glassUntil) return false;
    const left = this.glassUntil - centreNow();
    this.glass.textContent = glassWords(left);
    if (left > 0) return false;
    this.through(null);
    this.stop();
    this.state("refused", t("비상 열람이 끝났습니다.", "The break-glass is over."));
    return true;
  }

  private renew(ticket: Ticket): void {
    this.through(ticket);
    this.token = ticket.token;
    this.present();
  }

  /** Nothing comes: another recorder may have the camera by now. */
  private async follow(): Promise<void> {
    this.askedAt = performance.now();
    const generation = this.generation;
    try {
      const ticket = await this.ticket(RENEW_TOGETHER_MS);
      if (generation !== this.generation) return;
      if (ticket.url !== this.url) this.transfer(ticket);
      else this.renew(ticket);
    } catch {
      // a refusal is told by the renewal, a server that is away by the tile's own silence
    }
  }

  private renewSoon(): void {
    const generation = this.generation;
    this.renewTimer = window.setTimeout(async () => {
      try {
        const ticket = await this.ticket();
        if (generation === this.generation) this.renew(ticket);
      } catch {
        // the socket will be closed with 4401 and the tile tries again
      }
      if (generation === this.generation) this.renewLater();
    }, 5000);
  }

  private retry(code = 0): void {
    const before = this.dataset["state"];
    this.stop();
    if (code === MOVED) {
      this.state("connecting", t("다른 녹화기로 옮겨 연결 중", "Moving to another recorder"));
      this.tries = 0;
    } else if (this.busy) this.state("no-signal", this.busy);
    else this.state(before === "live" || before === "stalled" ? "stalled" : "connecting");
    this.busy = "";
    this.retryLater();
  }

  private retryLater(): void {
    const most = performance.now() - this.liveAt < RECENT_MS ? RECENT_TRIES : BACKOFF_MS.length - 1;
    const pause = BACKOFF_MS[Math.min(this.tries++, most)] ?? 10_000;
    window.clearTimeout(this.retryTimer);
    const generation = ++this.generation;
    this.retryTimer = window.setTimeout(() => {
      if (!this.camera || !this.isConnected || generation !== this.generation) return;
      this.pipe.prepare();
      void this.open(++this.generation);
    }, pause * (0.75 + Math.random() / 2));
  }

  private watch(): void {
    if (this.over() || !this.line || !this.frameAt) return;
    const now = performance.now();
    const silent = now - this.frameAt;
    const playing = this.video.readyState >= 2 && !this.video.paused;
    if (silent < STALLED_MS && playing) {
      this.tries = 0;
      this.liveAt = now;
      this.state("live");
    } else if (silent > SILENT_MS) {
      this.state("no-signal");
      this.stop();
      this.retryLater();
    } else if (silent > STALLED_MS) {
      if (now - this.askedAt > STALLED_MS) void this.follow();
      this.state(this.dataset["state"] === "live" ? "stalled" : (this.dataset["state"] as TileState));
    }
  }

  private state(name: TileState, words = ""): void {
    const text = words || t(...WORDS[name]);
    if (this.dataset["state"] === name && this.note.textContent === text) return;
    this.dataset["state"] = name;
    this.note.textContent = text;
    this.dispatchEvent(new CustomEvent("gw-state", { detail: name, bubbles: true }));
  }
}

customElements.define("gw-tile", Tile);
