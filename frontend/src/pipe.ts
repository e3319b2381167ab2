/** fMP4 into a video element (영상 버퍼): one MediaSource, a bounded queue, trimming behind the picture. */
import { playable, typeOf } from "./seat.js";

/** Kinds of binary messages: u8 kind, u64 time in microseconds, fMP4 bytes. */
export const INIT = 1;
export const FRAGMENT = 2;
const QUEUE_MAX = 600;
const APPEND_MAX = 4 << 20;
const HEAD = 9;

/** One binary message taken apart; null when it is too short to be one. */
export function message(data: ArrayBuffer): { kind: number; timeUs: number; body: ArrayBuffer } | null {
  if (data.byteLength <= HEAD) return null;
  const view = new DataView(data);
  return { kind: view.getUint8(0), timeUs: Number(view.getBigUint64(1)), body: data.slice(HEAD) };
}

/** A MediaSource behind one video element. `keepS`: seconds kept behind the picture. */
export class Pipe {
  private source: MediaSource | null = null;
  private buffer: SourceBuffer | null = null;
  private queue: ArrayBuffer[] = [];
  private opened = false;
  private codec = "";
  private broken = false;
  private clearing = false;

  constructor(
    private readonly video: HTMLVideoElement, private readonly keepS: number, private readonly failed: () => void,
    private readonly grown: () => void = () => undefined,
  ) {}

  /** Open the source before the first byte is there: it takes a few turns of the loop. */
  prepare(): void {
    if (this.source && !this.broken) return;
    this.reset();
    const source = new MediaSource();
    this.source = source;
    const url = URL.createObjectURL(source);
    source.addEventListener("sourceopen", () => {
      URL.revokeObjectURL(url);
      if (this.source !== source) return;
      this.opened = true;
      this.attach(source);
    }, { once: true });
    this.video.src = url;
  }

  /** Begin with an init segment of an RFC 6381 codec; another one on the same pipe changes the type in place. */
  begin(init: ArrayBuffer, codec: string): boolean {
    if (!playable(codec)) return false;
    if (this.source && this.buffer && !this.broken) {
      if (codec !== this.codec) this.buffer.changeType(typeOf(codec));
      this.codec = codec;
      this.push(init);
      return true;
    }
    this.prepare();
    this.codec = codec;
    this.queue = [init];
    if (this.source) this.attach(this.source);
    return true;
  }

  private attach(source: MediaSource): void {
    if (!this.opened || !this.codec || this.buffer) return;
    this.buffer = source.addSourceBuffer(typeOf(this.codec));
    this.buffer.addEventListener("updateend", () => {
      if (this.source === source) this.grown();
      this.pump();
    });
    this.buffer.addEventListener("error", () => this.fail());
    this.pump();
  }

  /** Queue a fragment; beyond the bound the pipe fails rather than grow. */
  push(bytes: ArrayBuffer): void {
    if (!this.source || this.broken) return;
    if (this.queue.length >= QUEUE_MAX) {
      this.fail();
      return;
    }
    this.queue.push(bytes);
    this.pump();
  }

  /** Drop everything buffered and queued, but stay open (a seek). */
  flush(): void {
    this.queue = [];
    this.clearing = true;
    this.pump();
  }

  /** Is what stands in the buffer still to be dropped (a seek)? */
  get stale(): boolean {
    return this.clearing;
  }

  /** End of the newest buffered range, null when nothing is buffered. */
  get end(): number | null {
    const ranges = this.ranges;
    return ranges && ranges.length ? ranges.end(ranges.length - 1) : null;
  }

  /** What is buffered, null before the first append. */
  get ranges(): TimeRanges | null {
    try {
      return this.buffer?.buffered ?? null;
    } catch {
      return null;
    }
  }

  /** Close and forget the video's source. */
  reset(): void {
    this.queue = [];
    this.buffer = null;
    this.source = null;
    this.opened = false;
    this.broken = false;
    this.clearing = false;
    this.codec = "";
    if (this.video.src) {
      this.video.removeAttribute("src");
      this.video.load();
    }
  }

  private pump(): void {
    const buffer = this.buffer;
    if (!buffer || buffer.updating || this.broken || this.source?.readyState !== "open") return;
    const ranges = this.ranges;
    const first = ranges && ranges.length ? ranges.start(0) : null;
    if (this.clearing) {
      // a removal cannot be aborted: it waits for whatever is under way
      this.clearing = false;
      if (first !== null) {
        buffer.remove(0, Number.POSITIVE_INFINITY);
        return;
      }
    }
    const behind = this.video.currentTime - this.keepS;
    // removing little by little would cost more than it frees
    if (first !== null && behind - first > this.keepS) {
      buffer.remove(first, behind);
      return;
    }
    const next = this.taken();
    if (!next) return;
    try {
      buffer.appendBuffer(next);
    } catch (error) {
      if (error instanceof DOMException && error.name === "QuotaExceededError" && first !== null && behind > first) {
        this.queue.unshift(next);
        buffer.remove(first, Math.max(first + 0.1, this.video.currentTime - 1));
      } else {
        this.fail();
      }
    }
  }

  /** What is queued, as one piece: fifty appends for the first picture would be fifty turns of the loop. */
  private taken(): ArrayBuffer | undefined {
    if (this.queue.length < 2) return this.queue.shift();
    const pieces: ArrayBuffer[] = [];
    let size = 0;
    while (this.queue.length && (!size || size < APPEND_MAX)) {
      const piece = this.queue.shift() as ArrayBuffer;
      pieces.push(piece);
      size += piece.byteLength;
    }
    const whole = new Uint8Array(size);
    let at = 0;
    for (const piece of pieces) {
      whole.set(new Uint8Array(piece), at);
      at += piece.byteLength;
    }
    return whole.buffer;
  }

  private fail(): void {
    if (this.broken) return;
    this.broken = true;
    this.queue = [];
    this.failed();
  }
}
