/** One viewing session with the player (열람 세션): Permit, credits, seconds in, gaps, errors. No page in here. */
import { CallError, call } from "./net.js";
import { centreNow } from "./now.js";
import { FRAGMENT, INIT, message } from "./pipe.js";
import { t } from "./text.js";

/** What the player says when a session begins. */
export interface Session {
  session: string;
  cameras: { camera: string; stream: number }[];
  first: number;
  until: number;
  expires: number;
}

/** What a page is told. */
export interface Ears {
  session(session: Session): void;
  init(bytes: ArrayBuffer, codec: string): void;
  second(bytes: ArrayBuffer, unixS: number): void;
  gap(from: number, until: number, reason: string): void;
  end(): void;
  /** `final`: no way back in this session. */
  error(words: string, code: string, final: boolean): void;
  connection(up: boolean): void;
}

interface Said {
  type: string;
  code?: string;
  message?: string;
  from?: number;
  until?: number;
  reason?: string;
  codec?: string;
}

/** Codes after which trying again makes no sense. */
const FINAL = new Set(["session_ended", "reused", "expired", "forged", "widened", "person", "station", "spent", "refused"]);
const PASSING = new Set(["closed", "destroyed", "damaged", "none", "no_footage", "message", "outside", "limit"]);
/** Seconds of watching that the player opens ahead; an order brings the first ones by itself. It refuses more. */
const AHEAD_S = 3;
/** So long without a second although room was asked for: ask again. */
const SILENT_MS = 1500;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/** Talks to the player over one WebSocket and comes back to the same session when it breaks. */
export class Viewing {
  private socket: WebSocket | null = null;
  private session = "";
  private expires = 0;
  private granted = 0;
  private received = 0;
  private cameAt = 0;
  private speed = 1;
  private wanted: { camera: string; at: number } | null = null;
  private awaiting: number | null = null;
  private tries = 0;
  private over = false;
  private codec = "";

  constructor(private readonly url: string, private readonly permitUrl: string, private readonly viewerUrl: string, private readonly ears: Ears) {}

  /** Mint a Permit and open the session; or take the running one up again. The socket opens while the web is asked. */
  async open(): Promise<void> {
    if (this.over) return;
    const socket = new WebSocket(this.url);
    try {
      const { url, hello } = await this.hello();
      if (this.over) socket.close();
      else if (url === this.url && socket.readyState <= WebSocket.OPEN) this.connect(socket, hello);
      else {
        socket.close();
        this.connect(new WebSocket(url), hello);
      }
    } catch (error) {
      socket.close();
      if (!(error instanceof CallError)) throw error;
      const passing = error.status === 0 || error.status >= 500;
      this.ears.error(`${error.words} ${error.next}`.trim(), error.problem.error, !passing);
      if (passing) this.again();
      else this.over = true;
    }
  }

  /** What is said first: the running session, or a new Permit; each with the word of the web who sits here. */
  private async hello(): Promise<{ url: string; hello: Record<string, string> }> {
    if (this.session) {
      const viewer = await call<Record<string, string>>("POST", this.viewerUrl, {});
      return { url: this.url, hello: { session: this.session, viewer: viewer["viewer"] ?? viewer["token"] ?? "" } };
    }
    const permit = await call<Record<string, string>>("POST", this.permitUrl, {});
    return { url: permit["url"] ?? this.url, hello: { permit: permit["permit"] ?? "", viewer: permit["viewer"] ?? "" } };
  }

  /** Ask for a camera from a Unix second on. */
  play(camera: string, at: number): void {
    this.wanted = { camera, at: Math.floor(at) };
    this.awaiting = this.wanted.at;
    window.setTimeout(() => (this.awaiting = null), 3000);
    this.granted = AHEAD_S;
    this.received = 0;
    this.cameAt = performance.now();
    this.say({ type: "play", ...this.wanted, speed: this.speed });
  }

  /** The page plays `speed` times as fast as time: the player opens so much further ahead. */
  pace(speed: number): void {
    if (speed === this.speed) return;
    this.speed = speed;
    this.granted = this.received + 1;
    this.say({ type: "more", n: 1, speed });
  }

  /** Room for more seconds when little is buffered ahead (`aheadS`). */
  credit(aheadS: number): void {
    if (!this.wanted) return;
    if (performance.now() - this.cameAt > SILENT_MS) this.granted = this.received;
    const coming = Math.max(0, this.granted - this.received);
    const room = Math.floor(AHEAD_S * this.speed - Math.max(0, aheadS) - coming);
    if (room < 1) return;
    this.granted = this.received + coming + room;
    this.cameAt = performance.now();
    this.say({ type: "more", n: room });
  }

  /** Nothing more until the next credit. */
  pause(): void {
    this.granted = this.received;
    this.say({ type: "pause" });
  }

  /** End for good. */
  close(): void {
    this.over = true;
    this.socket?.close();
  }

  private say(what: Record<string, unknown>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(what));
  }

  private connect(socket: WebSocket, hello: Record<string, string>): void {
    const greet = (): void => socket.send(JSON.stringify(hello));
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    if (socket.readyState === WebSocket.OPEN) greet();
    else socket.onopen = greet;
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (this.socket !== socket) return;
      if (typeof event.data === "string") this.said(JSON.parse(event.data) as Said);
      else this.took(event.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.ears.connection(false);
      if (!this.over) this.again();
    };
  }

  private again(): void {
    if (this.expires && centreNow() > this.expires) {
      this.over = true;
      this.ears.error(t("열람 시간이 끝났습니다.", "The viewing session has ended."), "session_ended", true);
      return;
    }
    const pause = RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)] ?? 8000;
    window.setTimeout(() => void this.open(), pause);
  }

  private said(what: Said): void {
    if (what.type === "session") {
      const session = what as unknown as Session;
      this.session = session.session;
      this.expires = session.expires;
      this.tries = 0;
      this.ears.connection(true);
      this.ears.session(session);
    } else if (what.type === "init") this.codec = what.codec ?? "";
    else if (what.type === "gap") {
      if (what.from === this.awaiting) this.awaiting = null;
      this.received += Math.max(0, (what.until ?? 0) - (what.from ?? 0));
      this.ears.gap(what.from ?? 0, what.until ?? 0, what.reason ?? "");
    } else if (what.type === "end") this.ears.end();
    else if (what.type === "error") this.failed(what.code ?? "", what.message ?? "");
  }

  private failed(code: string, text: string): void {
    const final = FINAL.has(code) || (!this.session && !PASSING.has(code) && code !== "away");
    if (final) this.over = true;
    const [ko, en] = text.split(" / ");
    this.ears.error(t(ko ?? text, en ?? text), code, final);
  }

  private took(data: ArrayBuffer): void {
    const part = message(data);
    if (!part) return;
    if (part.kind === INIT) {
      this.ears.init(part.body, this.codec);
      return;
    }
    if (part.kind !== FRAGMENT) return;
    const second = part.timeUs / 1e6;
    // what was on its way when another second or camera was asked for does not belong to the new picture
    if (this.awaiting !== null && second >= this.awaiting + 1) return;
    this.awaiting = null;
    this.received++;
    this.cameAt = performance.now();
    this.ears.second(part.body, second);
  }
}
