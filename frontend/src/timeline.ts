/** gw-timeline: the permitted range only (재생 구간): footage, gaps, holds, and where the picture is. */
import { t, timeOf } from "./text.js";

/** A stretch of the range in Unix seconds, half open. */
export interface Stretch {
  from: number;
  until: number;
  kind: "footage" | "gap" | "hold";
  reason?: string;
}

const COLOUR = { ground: "#1a232b", footage: "#3d77a8", gap: "#5d4a1c", hold: "#7c5aa6", seen: "#64b1f4", head: "#ffffff" };
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200];
const HEIGHT = 56;
const BAR_TOP = 14;
const BAR = 20;

/** `<gw-timeline>`; `range()`, `stretches`, `at`. Fires `gw-seek` with a Unix second inside the range. */
export class Timeline extends HTMLElement {
  private readonly canvas = document.createElement("canvas");
  private first = 0;
  private until = 1;
  private parts: Stretch[] = [];
  private now = 0;
  private asked: [number, number] | null = null;
  private observer: ResizeObserver | null = null;
  private drag = false;

  connectedCallback(): void {
    this.replaceChildren(this.canvas);
    this.tabIndex = 0;
    this.setAttribute("role", "slider");
    this.setAttribute("aria-label", t("재생 위치", "Position"));
    this.addEventListener("pointerdown", (event) => {
      this.drag = true;
      this.setPointerCapture(event.pointerId);
      this.move(event);
    });
    this.addEventListener("pointermove", (event) => this.drag && this.move(event));
    this.addEventListener("pointerup", (event) => {
      if (this.drag) this.seek(event);
      this.drag = false;
    });
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this);
  }

  disconnectedCallback(): void {
    this.observer?.disconnect();
  }

  /** The permitted range, and what was asked before it was widened. */
  range(first: number, until: number, asked: [number, number] | null = null): void {
    [this.first, this.until, this.asked] = [first, Math.max(until, first + 1), asked];
    this.setAttribute("aria-valuemin", String(first));
    this.setAttribute("aria-valuemax", String(until));
    if (!this.hasAttribute("aria-valuenow")) this.setAttribute("aria-valuenow", String(first));
    this.draw();
  }

  /** What is known of the range. */
  set stretches(parts: Stretch[]) {
    this.parts = parts;
    this.draw();
  }

  /** Where the picture is, Unix seconds. */
  set at(unixS: number) {
    this.now = unixS;
    this.setAttribute("aria-valuenow", String(Math.floor(unixS)));
    this.setAttribute("aria-valuetext", timeOf(unixS));
    this.draw();
  }

  private unixAt(event: PointerEvent): number {
    const box = this.canvas.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return Math.min(this.until - 0.05, this.first + share * (this.until - this.first));
  }

  private move(event: PointerEvent): void {
    this.at = this.unixAt(event);
  }

  private seek(event: PointerEvent): void {
    this.dispatchEvent(new CustomEvent("gw-seek", { detail: this.unixAt(event), bubbles: true }));
  }

  private draw(): void {
    const width = this.clientWidth;
    const ratio = window.devicePixelRatio || 1;
    if (!width) return;
    this.canvas.width = width * ratio;
    this.canvas.height = HEIGHT * ratio;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${HEIGHT}px`;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.scale(ratio, ratio);
    const x = (s: number): number => ((s - this.first) / (this.until - this.first)) * width;
    context.fillStyle = COLOUR.ground;
    context.fillRect(0, BAR_TOP, width, BAR);
    for (const kind of ["footage", "gap", "hold"] as const) {
      context.fillStyle = COLOUR[kind];
      for (const part of this.parts) {
        if (part.kind !== kind) continue;
        const left = x(Math.max(part.from, this.first));
        const share = Math.max(1, x(Math.min(part.until, this.until)) - left);
        context.fillRect(left, kind === "hold" ? BAR_TOP + BAR - 5 : BAR_TOP, share, kind === "hold" ? 5 : BAR);
      }
    }
    this.hatch(context, x);
    if (this.asked) {
      context.fillStyle = COLOUR.seen;
      context.fillRect(x(this.asked[0]), BAR_TOP - 4, Math.max(1, x(this.asked[1]) - x(this.asked[0])), 2);
    }
    this.ticks(context, width, x);
    context.fillStyle = COLOUR.head;
    context.fillRect(Math.round(x(Math.max(this.first, this.now))) - 1, BAR_TOP - 6, 2, BAR + 12);
  }

  /** Gaps are hatched too, so that they do not depend on colour. */
  private hatch(context: CanvasRenderingContext2D, x: (s: number) => number): void {
    context.strokeStyle = "#a8872f";
    context.lineWidth = 1;
    for (const part of this.parts) {
      if (part.kind !== "gap") continue;
      const [left, right] = [x(Math.max(part.from, this.first)), x(Math.min(part.until, this.until))];
      context.save();
      context.beginPath();
      context.rect(left, BAR_TOP, Math.max(1, right - left), BAR);
      context.clip();
      context.beginPath();
      for (let i = left - BAR; i < right; i += 6) {
        context.moveTo(i, BAR_TOP + BAR);
        context.lineTo(i + BAR, BAR_TOP);
      }
      context.stroke();
      context.restore();
    }
  }

  private ticks(context: CanvasRenderingContext2D, width: number, x: (s: number) => number): void {
    const length = this.until - this.first;
    const step = TICKS.find((s) => (length / s) * 78 <= width) ?? 14_400;
    context.fillStyle = "#9db0bf";
    context.font = "11px Pretendard, sans-serif";
    for (let s = Math.ceil(this.first / step) * step; s < this.until; s += step) {
      const left = x(s);
      context.fillRect(left, BAR_TOP + BAR, 1, 5);
      if (left > 24 && left < width - 26) context.fillText(timeOf(s), left - 24, HEIGHT - 4);
    }
  }
}

customElements.define("gw-timeline", Timeline);
