/** gw-player: stored video under a Permit (저장 영상 재생). Only the permitted range exists here. */
import "./feed.js";
import { list, told, type Gap } from "./gaps.js";
import { pageData } from "./net.js";
import { centreNow } from "./now.js";
import { Pipe } from "./pipe.js";
import { codecName, playable } from "./seat.js";
import { dateTimeOf, span, t } from "./text.js";
import { Timeline, type Stretch } from "./timeline.js";
import { Viewing, type Ears, type Session } from "./viewing.js";

/** What the page of the request carries. Seconds are Unix seconds. */
export interface PlayData {
  player_url: string;
  permit_url: string;
  viewer_url: string;
  cameras: { id: string; label: string; stretches?: Stretch[] }[];
  first: number;
  until: number;
  asked_first?: number;
  asked_until?: number;
  person: string;
  station: string;
  case?: string;
}

const SPEEDS = [1, 2, 4];
const FRAME_S = 1 / 15;

/** `<gw-player>`; call `begin(data)`. */
export class Player extends HTMLElement {
  private readonly video = document.createElement("video");
  private readonly stage = document.createElement("div");
  private readonly note = document.createElement("div");
  private readonly clock = document.createElement("time");
  private readonly left = document.createElement("output");
  private readonly marks = document.createElement("div");
  private readonly holes = document.createElement("ul");
  private readonly line = document.createElement("gw-timeline") as Timeline;
  private readonly play = document.createElement("button");
  private readonly pipe = new Pipe(
    this.video, 20, () => this.say(t("영상을 열 수 없습니다.", "The video does not play."), true), () => this.grown(),
  );
  private viewing: Viewing | null = null;
  private data: PlayData | null = null;
  private session: Session | null = null;
  private camera = "";
  private init: ArrayBuffer | null = null;
  private codec = "";
  private gaps: Gap[] = [];
  private wantPlaying = true;
  private done = false;
  private timer = 0;

  disconnectedCallback(): void {
    window.clearInterval(this.timer);
    this.viewing?.close();
  }

  /** Build the page's parts and open the session. */
  begin(data: PlayData): void {
    this.data = data;
    this.camera = data.cameras[0]?.id ?? "";
    this.build(data);
    this.line.range(data.first, data.until, data.asked_first && data.asked_until ? [data.asked_first, data.asked_until] : null);
    this.showStretches();
    this.pipe.prepare();
    this.viewing = new Viewing(data.player_url, data.permit_url, data.viewer_url, this.ears());
    void this.viewing.open();
    this.timer = window.setInterval(() => this.tick(), 200);
    document.addEventListener("keydown", (event) => this.key(event));
  }

  private build(data: PlayData): void {
    this.stage.className = "player-stage";
    this.stage.setAttribute("role", "group");
    this.note.className = "player-note";
    this.note.setAttribute("role", "status");
    this.marks.className = "player-marks";
    this.marks.setAttribute("aria-hidden", "true");
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.disablePictureInPicture = true;
    this.video.addEventListener("contextmenu", (event) => event.preventDefault());
    this.stage.append(this.video, this.marks, this.note);
    this.left.className = "player-left";
    this.holes.className = "player-gaps";
    this.holes.setAttribute("aria-label", t("보이지 않는 구간", "What is not shown"));
    this.clock.className = "player-clock";
    const bar = document.createElement("div");
    bar.className = "player-bar";
    this.play.type = "button";
    this.play.className = "primary";
    this.play.textContent = t("재생", "Play");
    this.play.addEventListener("click", () => this.toggle());
    bar.append(
      this.play,
      this.button(t("‹ 프레임", "‹ frame"), t("한 프레임 뒤로", "One frame back"), () => this.step(-1)),
      this.button(t("프레임 ›", "frame ›"), t("한 프레임 앞으로", "One frame on"), () => this.step(1)),
      ...SPEEDS.map((s) => this.speedButton(s)),
      this.clock,
      this.cameraSelect(data),
      this.left,
    );
    this.line.addEventListener("gw-seek", (event) => this.seek((event as CustomEvent<number>).detail));
    const keys = document.createElement("p");
    keys.className = "player-keys muted";
    keys.textContent = t("Space 재생·멈춤 · ← → 5초 · , . 한 프레임 · 1 2 4 배속", "Space play, pause · ← → 5 s · , . one frame · 1 2 4 speed");
    this.replaceChildren(this.stage, this.line, bar, keys, this.holes);
    this.say(t("허가를 확인하는 중", "Checking the permission"));
    this.mark();
  }

  private button(text: string, label: string, act: () => void): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.title = label;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", act);
    return button;
  }

  private speedButton(speed: number): HTMLButtonElement {
    const button = this.button(`×${speed}`, t(`×${speed} 배속`, `×${speed} speed`), () => this.speed(speed));
    button.dataset["speed"] = String(speed);
    button.setAttribute("aria-pressed", String(speed === 1));
    return button;
  }

  private cameraSelect(data: PlayData): HTMLElement {
    const select = document.createElement("select");
    select.setAttribute("aria-label", t("영상정보처리기기", "Camera"));
    for (const camera of data.cameras) select.add(new Option(camera.label, camera.id));
    select.disabled = data.cameras.length < 2;
    select.addEventListener("change", () => {
      const at = this.unixNow();
      this.camera = select.value;
      this.gaps = [];
      this.pipe.reset();
      this.init = null;
      this.showStretches();
      this.mark();
      this.order(at);
    });
    return select;
  }

  private ears(): Ears {
    return {
      session: (session) => this.began(session),
      init: (bytes, codec) => {
        this.init = bytes;
        this.codec = codec;
        if (!this.pipe.begin(bytes, codec)) this.unplayable(codecName(codec));
      },
      second: (bytes) => {
        if (!playable(this.codec)) return;
        this.say("");
        this.pipe.push(bytes);
      },
      gap: (from, until, reason) => {
        this.gaps.push({ from, until, reason });
        this.showStretches();
      },
      end: () => (this.done = true),
      error: (words, code, final) => this.failed(words, code, final),
      connection: (up) => {
        if (!up && !this.done) this.say(t("재생 서버와 다시 잇는 중", "Reconnecting to the player"));
      },
    };
  }

  private began(session: Session): void {
    const resumed = this.session !== null;
    this.session = session;
    this.line.range(session.first, session.until);
    if (!session.cameras.some((c) => c.camera === this.camera)) this.camera = session.cameras[0]?.camera ?? this.camera;
    this.say(t("영상을 여는 중", "Opening"));
    this.order(resumed ? this.unixNow() : (this.data?.asked_first ?? session.first));
  }

  private order(unixS: number): void {
    this.done = false;
    if (this.init && this.pipe.ranges) this.pipe.flush();
    else if (this.init) this.pipe.begin(this.init, this.codec);
    const first = this.session?.first ?? 0;
    this.target = Math.max(unixS, first);
    // the element waits at the place: its decoder begins with the bytes, not with another turn of the page's
    if (this.session) this.video.currentTime = this.target - first;
    this.viewing?.play(this.camera, this.target);
  }

  private target: number | null = null;

  private unixNow(): number {
    return this.target ?? (this.session?.first ?? this.data?.first ?? 0) + this.video.currentTime;
  }

  private seek(unixS: number): void {
    if (!this.session) return;
    const at = Math.min(Math.max(unixS, this.session.first), this.session.until - 0.05);
    const media = at - this.session.first;
    const ranges = this.pipe.ranges;
    // so near to the end of what is there, an order brings the next seconds sooner than waiting for them
    const spare = this.done ? 0.05 : 1.5;
    for (let i = 0; ranges && i < ranges.length; i++) {
      if (media >= ranges.start(i) && media < ranges.end(i) - spare) {
        this.video.currentTime = media;
        return;
      }
    }
    this.order(at);
  }

  private tick(): void {
    const session = this.session;
    if (!session) return;
    const remaining = session.expires - centreNow();
    this.left.textContent = `${t("남은 열람 시간", "Time left")} ${span(remaining)}`;
    this.left.classList.toggle("short", remaining < 120);
    this.arrive(session);
    this.hop(session);
    const now = this.unixNow();
    this.line.at = now;
    this.clock.textContent = dateTimeOf(now);
    const end = this.pipe.end;
    if (this.wantPlaying || end === null) this.viewing?.credit(end === null ? 0 : end - this.video.currentTime);
    this.play.textContent = this.wantPlaying ? t("멈춤", "Pause") : t("재생", "Play");
    if (this.wantPlaying && this.video.paused && this.video.readyState >= 2) void this.video.play().catch(() => undefined);
  }

  /** Something was appended: the first picture of an order does not wait for the next tick. */
  private grown(): void {
    if (this.session && this.target !== null) this.arrive(this.session);
    if (this.wantPlaying && this.video.paused) void this.video.play().catch(() => undefined);
  }

  /** After an order: go to the second once it is there, or to the first picture after it. */
  private arrive(session: Session): void {
    const ranges = this.pipe.ranges;
    if (this.target === null || !ranges?.length || this.pipe.stale) return;
    const media = this.target - session.first;
    for (let i = 0; i < ranges.length; i++) {
      if (ranges.end(i) <= media) continue;
      const place = Math.max(media, ranges.start(i) + 0.001);
      if (Math.abs(place - this.video.currentTime) > 0.0005) this.video.currentTime = place;
      this.target = null;
      return;
    }
  }

  /** Over a gap: when the picture has come to the end of a buffered range and another one follows. */
  private hop(session: Session): void {
    const ranges = this.pipe.ranges;
    if (this.target !== null || !ranges?.length) return;
    const now = this.video.currentTime;
    for (let i = 0; i < ranges.length; i++) {
      // a browser stops a little before the end of what it has, earlier the faster it plays
      const near = this.video.readyState < 3 ? 0.8 : 0.12;
      if (now >= ranges.start(i) - 0.05 && now < ranges.end(i) - near) return;
    }
    for (let i = 0; i < ranges.length; i++) {
      if (ranges.start(i) > now) {
        this.video.currentTime = ranges.start(i) + 0.001;
        return;
      }
    }
    const gap = this.gaps.find((g) => now + session.first >= g.from - 0.2 && now + session.first < g.until);
    if (gap) this.say(told(gap.reason));
    else if (this.done) this.ended();
  }

  /** Nothing more is asked for: what cannot be seen is not opened. */
  private unplayable(name: string): void {
    this.wantPlaying = false;
    this.viewing?.pause();
    this.say(
      t(
        `이 자리의 브라우저는 ${name} 영상을 재생하지 못합니다. ${name}를 재생하는 브라우저가 있는 열람실 자리에서 여십시오.`,
        `This browser cannot play ${name}. Open it at a station whose browser can.`,
      ),
      true,
    );
  }

  private ended(): void {
    if (!this.wantPlaying) return;
    this.wantPlaying = false;
    this.video.pause();
    this.say(t("허가된 구간의 끝입니다.", "End of the permitted range."));
  }

  private toggle(): void {
    this.wantPlaying = !this.wantPlaying;
    if (this.wantPlaying) {
      if (this.done && this.session && this.unixNow() > this.session.until - 1) this.order(this.session.first);
      this.say("");
      void this.video.play().catch(() => undefined);
    } else {
      this.video.pause();
      this.viewing?.pause();
    }
  }

  private step(by: number): void {
    this.wantPlaying = false;
    this.video.pause();
    this.viewing?.pause();
    this.video.currentTime = Math.max(0, this.video.currentTime + by * FRAME_S);
  }

  private speed(speed: number): void {
    this.video.playbackRate = this.video.defaultPlaybackRate = speed;
    this.viewing?.pace(speed);
    for (const b of this.querySelectorAll<HTMLButtonElement>("[data-speed]")) {
      b.setAttribute("aria-pressed", String(Number(b.dataset["speed"]) === speed));
    }
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.altKey || event.metaKey || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName)) return;
    const acts: Record<string, () => void> = {
      " ": () => this.toggle(), ArrowLeft: () => this.seek(this.unixNow() - 5), ArrowRight: () => this.seek(this.unixNow() + 5),
      ",": () => this.step(-1), ".": () => this.step(1), "1": () => this.speed(1), "2": () => this.speed(2), "4": () => this.speed(4),
    };
    const far: Record<string, () => void> = {
      Home: () => this.seek(0), End: () => this.seek(Number.POSITIVE_INFINITY),
      PageUp: () => this.seek(this.unixNow() + 30), PageDown: () => this.seek(this.unixNow() - 30),
    };
    // the page scrolls by these keys, but for the line itself
    const act = acts[event.key] ?? (target === this.line ? far[event.key] : undefined);
    if (!act || (event.key === " " && target.tagName === "BUTTON")) return;
    event.preventDefault();
    act();
  }

  private failed(words: string, code: string, final: boolean): void {
    this.dataset["error"] = code;
    this.say(words, final);
    if (!final) return;
    this.video.pause();
    this.wantPlaying = false;
    window.clearInterval(this.timer);
    this.left.textContent = t("열람이 끝났습니다", "The viewing is over");
    this.pipe.reset();
  }

  private showStretches(): void {
    const known = this.data?.cameras.find((c) => c.id === this.camera)?.stretches ?? [];
    this.line.stretches = [...known, ...this.gaps.map((g) => ({ ...g, kind: "gap" as const }))];
    list(this.holes, this.gaps);
  }

  private say(words: string, bad = false): void {
    this.note.textContent = words;
    this.note.hidden = !words;
    this.note.classList.toggle("bad", bad);
  }

  /** Who sees this, where, when: over the whole picture. */
  private mark(): void {
    const data = this.data;
    if (!data) return;
    const camera = data.cameras.find((c) => c.id === this.camera)?.label ?? "";
    const text = `${data.person} · ${data.station} · ${dateTimeOf(centreNow())}${data.case ? ` · ${data.case}` : ""}`;
    this.marks.replaceChildren(
      ...Array.from({ length: 10 }, () => {
        const mark = document.createElement("span");
        mark.textContent = text;
        return mark;
      }),
    );
    this.stage.setAttribute("aria-label", camera);
  }
}

customElements.define("gw-player", Player);

const holder = document.querySelector("gw-player");
if (holder instanceof Player && document.getElementById("play-data")) holder.begin(pageData<PlayData>("play-data"));
