/** gw-tile: one camera's present (실시간 화면). Token, WebSocket, MediaSource, live edge, calm words for each state. */
import { Edge } from "./edge.js";
import { CallError } from "./net.js";
import { FRAGMENT, INIT, Pipe, message } from "./pipe.js";
import { codecName } from "./seat.js";
import { t } from "./text.js";
import { type StreamName, type Ticket, ticketFor } from "./tickets.js";

/** Where a tile stands. */
export type TileState = "idle" | "connecting" | "live" | "stalled" | "refused" | "no-signal";

const STALLED_MS = 3000;
const SILENT_MS = 12_000;
const RENEW_MS = 30_000;
const RENEW_TOGETHER_MS = 300;
const BACKOFF_MS = [400, 800, 1600, 3200, 6400, 10_000];
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
  private readonly pipe: Pipe = new Pipe(this.video, 8, () => this.retry(), () => this.edge.grown());
  private readonly edge = new Edge(this.video, this.pipe);
  private socket: WebSocket | null = null;
  private camera = "";
  private stream: StreamName = "sub";
  private using: StreamName = "sub";
  private codec = "";
  private busy = "";
  private url = "";
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
    this.camera = camera;
    this.stream = stream;
    this.tries = 0;
    if (this.isConnected) this.start();
  }

  /** Show nothing. */
  clear(): void {
    this.camera = "";
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
    bar.append(dot, this.label, this.badge);
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
    this.stop();
    this.using = this.stream;
    while (cannot.has(`${this.camera}/${this.using}`) && NEXT[this.using]) this.using = NEXT[this.using] as StreamName;
    this.mark();
    this.state("connecting");
    void this.open(++this.generation);
  }

  private stop(): void {
    this.generation++;
    window.clearTimeout(this.retryTimer);
    window.clearTimeout(this.renewTimer);
    this.socket?.close();
    this.socket = null;
    this.pipe.reset();
    this.edge.reset();
    this.frameAt = 0;
  }

  private ticket(waitMs = 0): Promise<Ticket> {
    return ticketFor(this.camera, this.using, waitMs);
  }

  /** Say beside the name that this is not the stream that was asked for. */
  private mark(): void {
    this.badge.hidden = this.using === this.stream;
    this.badge.textContent = this.using === "transcode" ? t("변환", "converted") : t("보조", "sub");
    this.badge.title =
      this.using === "transcode"
        ? t("이 좌석이 재생하지 못하는 형식이라 H.264로 변환해 보여 줍니다(640픽셀 폭).", "Converted to H.264, 640 pixels wide, for this seat.")
        : t("이 좌석이 재생하지 못하는 형식이라 보조영상을 보여 줍니다.", "The sub-stream, because this seat cannot play the main one.");
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

  private async open(generation: number): Promise<void> {
    let ticket: Ticket;
    try {
      ticket = await this.ticket();
    } catch (error) {
      if (generation === this.generation) this.refused(error);
      return;
    }
    if (generation !== this.generation) return;
    if (ticket.label) this.label.textContent = this.label.title = ticket.label;
    this.url = ticket.url;
    const socket = new WebSocket(ticket.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.frameAt = performance.now();
    socket.onopen = () => {
      socket.send(JSON.stringify({ token: ticket.token }));
      this.renewLater();
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => {
      if (generation !== this.generation) return;
      if (typeof event.data === "string") this.told(event.data);
      else this.take(event.data);
    };
    socket.onclose = () => {
      if (generation === this.generation) this.retry();
    };
  }

  private told(text: string): void {
    const said = JSON.parse(text) as { type: string; codec?: string; ko?: string; en?: string };
    if (said.type === "init") this.codec = said.codec ?? "";
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
          // another recorder has the camera now
          this.start();
          return;
        }
        this.socket?.send(JSON.stringify({ token: ticket.token }));
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
    }, RENEW_MS);
  }

  private renewSoon(): void {
    const generation = this.generation;
    this.renewTimer = window.setTimeout(async () => {
      try {
        const ticket = await this.ticket();
        if (generation === this.generation) this.socket?.send(JSON.stringify({ token: ticket.token }));
      } catch {
        // the socket will be closed with 4401 and the tile tries again
      }
      if (generation === this.generation) this.renewLater();
    }, 5000);
  }

  private retry(): void {
    const before = this.dataset["state"];
    this.stop();
    if (this.busy) this.state("no-signal", this.busy);
    else this.state(before === "live" || before === "stalled" ? "stalled" : "connecting");
    this.busy = "";
    this.retryLater();
  }

  private retryLater(): void {
    const pause = BACKOFF_MS[Math.min(this.tries++, BACKOFF_MS.length - 1)] ?? 10_000;
    window.clearTimeout(this.retryTimer);
    const generation = ++this.generation;
    this.retryTimer = window.setTimeout(() => {
      if (this.camera && this.isConnected && generation === this.generation) void this.open(++this.generation);
    }, pause * (0.75 + Math.random() / 2));
  }

  private watch(): void {
    if (!this.socket || !this.frameAt) return;
    const silent = performance.now() - this.frameAt;
    const playing = this.video.readyState >= 2 && !this.video.paused;
    if (silent < STALLED_MS && playing) {
      this.tries = 0;
      this.state("live");
    } else if (silent > SILENT_MS) {
      this.state("no-signal");
      this.stop();
      this.retryLater();
    } else if (silent > STALLED_MS) this.state(this.dataset["state"] === "live" ? "stalled" : (this.dataset["state"] as TileState));
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
