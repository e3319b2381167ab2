/** gw-wall: a grid of tiles (관제 화면). Digits pick, arrows move, Enter enlarges, brackets turn pages, Delete empties. */
import { t } from "./text.js";
import { Tile } from "./tile.js";

/** A camera of the list. */
export interface CameraItem {
  id: string;
  number: string;
  label: string;
  place: string;
  purposes: string[];
}

export const GRIDS = [1, 4, 9, 16] as const;
export const DRAG = "application/x-gwanje-camera";

/** `<gw-wall>`; set `cameras` and `arrange()`. Fires `gw-layout` when what is shown was changed by the person. */
export class Wall extends HTMLElement {
  private tiles: Tile[] = [];
  private grid = 9;
  private page = 0;
  private picked = 0;
  private slots: string[] = [];
  private known = new Map<string, CameraItem>();

  connectedCallback(): void {
    this.tabIndex = 0;
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", t("관제 화면", "Video wall"));
    this.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  /** Begin: the cameras known, the grid, and which camera stands in which place ("" = empty). */
  arrange(cameras: CameraItem[], grid: number, slots: string[]): void {
    this.known = new Map(cameras.map((c) => [c.id, c]));
    this.grid = (GRIDS as readonly number[]).includes(grid) ? grid : 9;
    this.slots = slots.map((id) => (this.known.has(id) ? id : ""));
    this.draw();
  }

  /** Number of pages, at least one. */
  get pages(): number {
    return Math.max(1, Math.ceil(this.slots.length / this.grid));
  }

  /** What is shown, for the server: grid and cameras in order. */
  get layout(): { grid: number; cameras: string[] } {
    return { grid: this.grid, cameras: this.slots.filter(Boolean) };
  }

  /** Grid, page and pages now. */
  get view(): { grid: number; page: number; pages: number } {
    return { grid: this.grid, page: this.page, pages: this.pages };
  }

  /** Another grid; the picked camera stays in sight. */
  setGrid(grid: number): void {
    const index = this.page * this.grid + this.picked;
    this.grid = grid;
    this.page = Math.min(Math.floor(index / grid), this.pages - 1);
    this.picked = Math.min(index % grid, grid - 1);
    this.classList.remove("enlarged");
    this.draw();
    this.changed();
  }

  /** Turn pages by a number; round at the ends. */
  turn(by: number): void {
    this.page = (this.page + by + this.pages) % this.pages;
    this.classList.remove("enlarged");
    this.draw();
    this.dispatchEvent(new CustomEvent("gw-page", { bubbles: true }));
  }

  /** Put a camera into a place of this page (the picked one by default); it leaves the place it had. */
  put(camera: string, at = this.picked): void {
    const target = this.page * this.grid + at;
    const before = this.slots.indexOf(camera);
    while (this.slots.length <= target) this.slots.push("");
    const displaced = this.slots[target] ?? "";
    if (before >= 0) this.slots[before] = displaced;
    this.slots[target] = camera;
    this.picked = at;
    this.draw();
    this.changed();
  }

  private changed(): void {
    this.dispatchEvent(new CustomEvent("gw-layout", { bubbles: true }));
  }

  private draw(): void {
    if (!this.isConnected) return;
    const side = Math.sqrt(this.grid);
    this.style.setProperty("--side", String(side));
    while (this.tiles.length > this.grid) this.tiles.pop()?.remove();
    while (this.tiles.length < this.grid) this.tiles.push(this.tile(this.tiles.length));
    this.tiles.forEach((tile, i) => {
      const camera = this.known.get(this.slots[this.page * this.grid + i] ?? "");
      const large = this.grid === 1 || (this.classList.contains("enlarged") && i === this.picked);
      if (camera) tile.show(camera.id, camera.label, large ? "main" : "sub");
      else tile.clear();
    });
    this.mark();
  }

  private tile(index: number): Tile {
    const tile = document.createElement("gw-tile") as Tile;
    tile.setAttribute("role", "group");
    tile.id = `wall-tile-${index + 1}`;
    tile.dataset["index"] = String(index + 1);
    tile.addEventListener("click", () => this.pick(index));
    tile.addEventListener("dblclick", () => this.enlarge());
    tile.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes(DRAG)) return;
      event.preventDefault();
      tile.classList.add("drop");
    });
    tile.addEventListener("dragleave", () => tile.classList.remove("drop"));
    tile.addEventListener("drop", (event) => {
      event.preventDefault();
      tile.classList.remove("drop");
      const camera = event.dataTransfer?.getData(DRAG) ?? "";
      if (this.known.has(camera)) this.put(camera, index);
    });
    this.append(tile);
    return tile;
  }

  private pick(index: number): void {
    if (index < 0 || index >= this.grid) return;
    const moved = index !== this.picked;
    this.picked = index;
    if (moved && this.classList.contains("enlarged")) this.draw();
    else this.mark();
  }

  private enlarge(): void {
    if (this.grid > 1) this.classList.toggle("enlarged");
    this.draw();
  }

  private mark(): void {
    this.tiles.forEach((tile, i) => {
      tile.toggleAttribute("data-picked", i === this.picked);
      tile.setAttribute("aria-current", String(i === this.picked));
    });
    this.setAttribute("aria-activedescendant", `wall-tile-${this.picked + 1}`);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || own(event)) return;
    const side = Math.sqrt(this.grid);
    const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -side, ArrowDown: side };
    const move = moves[event.key];
    if (/^[1-9]$/.test(event.key)) this.pick(Number(event.key) - 1);
    else if (move !== undefined) this.pick(this.picked + move);
    else if (event.key === "Enter") this.enlarge();
    else if (event.key === "Escape" && this.classList.contains("enlarged")) this.enlarge();
    else if (event.key === "[" || event.key === "PageUp") this.turn(-1);
    else if (event.key === "]" || event.key === "PageDown") this.turn(1);
    else if (event.key === "Delete") this.empty();
    else return;
    event.preventDefault();
  }

  private empty(): void {
    const at = this.page * this.grid + this.picked;
    if (!this.slots[at]) return;
    this.slots[at] = "";
    this.draw();
    this.changed();
  }
}

/** True for a key of what stands on a tile: digits are typed into its field, Delete is the field's, Enter presses its button. */
function own(event: KeyboardEvent): boolean {
  if (!(event.target instanceof Element)) return false;
  const pressed = event.key === "Enter" && event.target.closest("button, summary") !== null;
  return pressed || event.target.closest("input, select, textarea") !== null;
}

customElements.define("gw-wall", Wall);
