/** The live edge (현재 화면 유지): as near to now as the arrivals allow. The least slack of a second is held small. */
import type { Pipe } from "./pipe.js";

/** Slack: how long the picture could go on without the frame that has just come. */
const SLACK_LOW_S = 0.012;
const SLACK_HIGH_S = 0.05;
const SLACK_FAR_S = 0.15;
const JUMP_S = 0.5;
const BEGIN_BEHIND_S = 0.08;
const LOOK_MS = 1000;

/** Keeps one video near the end of what its pipe has: seeks at the beginning, then bends the speed a little. */
export class Edge {
  private least = Number.POSITIVE_INFINITY;
  private since = 0;
  private begun = 0;

  constructor(private readonly video: HTMLVideoElement, private readonly pipe: Pipe) {}

  /** Begin anew: nothing has been shown yet. */
  reset(): void {
    this.begun = 0;
    this.since = 0;
    this.least = Number.POSITIVE_INFINITY;
    this.video.playbackRate = 1;
  }

  /** A frame has come, before it is appended. */
  arrived(): void {
    const end = this.pipe.end;
    if (end !== null) this.least = Math.min(this.least, end - this.video.currentTime);
    const now = performance.now();
    if (now - this.since < LOOK_MS) return;
    if (this.since && this.begun) this.bend(this.least);
    this.since = now;
    this.least = Number.POSITIVE_INFINITY;
  }

  /** Something was appended. */
  grown(): void {
    const ranges = this.pipe.ranges;
    if (!ranges?.length) return;
    const start = ranges.start(ranges.length - 1);
    const end = ranges.end(ranges.length - 1);
    const lag = end - this.video.currentTime;
    const now = performance.now();
    const fresh = !this.begun || now - this.begun < LOOK_MS;
    if (this.video.currentTime < start || lag > (fresh ? JUMP_S / 2 : JUMP_S)) {
      this.video.currentTime = Math.max(start, end - BEGIN_BEHIND_S);
    }
    this.begun ||= now;
    if (this.video.paused) void this.video.play().catch(() => undefined);
  }

  private bend(slack: number): void {
    const rate = slack > SLACK_FAR_S ? 1.2 : slack > SLACK_HIGH_S ? 1.05 : slack < SLACK_LOW_S ? 0.98 : 1;
    if (this.video.playbackRate !== rate) this.video.playbackRate = rate;
  }
}
