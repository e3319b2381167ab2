/** What moves the stick (조작 입력): keys, a drag on the picture, the wheel, a USB joystick by the Gamepad API. */

/** Pan, tilt, zoom in [-1, 1]. */
export type Pace = [number, number, number];

const DEAD = 0.15;
const KEY_PACE = 0.5;
const WHEEL_MS = 250;
const KEYS: Record<string, Pace> = {
  ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0],
  "+": [0, 0, 1], "=": [0, 0, 1], "-": [0, 0, -1], _: [0, 0, -1],
};

/** Is this key one of the stick's? */
export function isStickKey(key: string): boolean {
  return key in KEYS;
}

function clip(value: number): number {
  return Math.round(Math.min(1, Math.max(-1, value)) * 100) / 100;
}

/** Collects all inputs into one pace; `pace()` is asked five times a second. */
export class Stick {
  private readonly held = new Set<string>();
  private fast = false;
  private drag: { x: number; y: number; at: Pace } | null = null;
  private wheel = 0;
  private wheelUntil = 0;

  /** A key went down or up; true when it was the stick's. */
  key(event: KeyboardEvent, down: boolean): boolean {
    if (!isStickKey(event.key)) return false;
    this.fast = event.shiftKey && event.key.startsWith("Arrow");
    if (down) this.held.add(event.key);
    else this.held.delete(event.key);
    return true;
  }

  /** Everything is let go: the page lost the focus, or another seat has the stick. */
  release(): void {
    this.held.clear();
    this.drag = null;
    this.wheelUntil = 0;
  }

  /** Drag on the picture: the farther from where it began, the faster. */
  listen(area: HTMLElement): void {
    area.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target !== area) return;
      area.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, y: event.clientY, at: [0, 0, 0] };
      event.preventDefault();
    });
    area.addEventListener("pointermove", (event) => {
      if (!this.drag) return;
      const reach = Math.min(area.clientWidth, area.clientHeight) / 3;
      const x = (event.clientX - this.drag.x) / reach;
      const y = (this.drag.y - event.clientY) / reach;
      this.drag.at = [Math.abs(x) < DEAD / 2 ? 0 : clip(x), Math.abs(y) < DEAD / 2 ? 0 : clip(y), 0];
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      area.addEventListener(name, () => (this.drag = null));
    }
    area.addEventListener("wheel", (event) => {
      this.wheel = event.deltaY < 0 ? 0.6 : -0.6;
      this.wheelUntil = performance.now() + WHEEL_MS;
      event.preventDefault();
    }, { passive: false });
  }

  /** The pace now. */
  pace(): Pace {
    const sum: Pace = [0, 0, 0];
    const add = (pace: Pace, by: number): void => pace.forEach((value, axis) => { sum[axis] = (sum[axis] ?? 0) + value * by; });
    for (const key of this.held) add(KEYS[key] ?? [0, 0, 0], this.fast ? 1 : KEY_PACE);
    if (this.drag) add(this.drag.at, 1);
    if (performance.now() < this.wheelUntil) sum[2] += this.wheel;
    add(this.pad(), 1);
    return [clip(sum[0]), clip(sum[1]), clip(sum[2])];
  }

  private pad(): Pace {
    const pad = navigator.getGamepads?.().find((found) => found?.connected);
    if (!pad) return [0, 0, 0];
    const axis = (index: number): number => {
      const value = pad.axes[index] ?? 0;
      return Math.abs(value) < DEAD ? 0 : value;
    };
    const pressed = (index: number): number => pad.buttons[index]?.value ?? 0;
    // a twist of the stick where it has one, else the shoulder buttons
    const zoom = axis(2) || pressed(7) - pressed(6) || pressed(5) - pressed(4);
    return [axis(0), -axis(1), zoom];
  }
}
