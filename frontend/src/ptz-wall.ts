/** Steering on the wall (관제 화면의 조작): P on the picked tile of a dome, arrows and + − while it lasts, Esc ends. */
import { pageData } from "./net.js";
import { Ptz } from "./ptz.js";
import { t } from "./text.js";
import type { Tile } from "./tile.js";

interface WallCameras {
  cameras?: { id: string; ptz?: boolean }[];
}

const domes = new Set((pageData<WallCameras>("wall-data").cameras ?? []).filter((c) => c.ptz).map((c) => c.id));
const wall = document.getElementById("wall");
const SMALL_PX: [number, number] = [300, 230];
let steering: Ptz | null = null;

function picked(): Tile | null {
  return wall?.querySelector<Tile>("gw-tile[data-picked]") ?? null;
}

function begin(): void {
  const tile = picked();
  if (!tile || !domes.has(tile.shown) || steering?.parentElement === tile) return;
  steering?.remove();
  // a tile in which the stick would hide the street, or a thumb find nothing, is enlarged first
  if ((tile.clientWidth < SMALL_PX[0] || tile.clientHeight < SMALL_PX[1]) && !wall?.classList.contains("enlarged")) {
    wall?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  }
  steering = new Ptz();
  tile.append(steering);
  tile.classList.add("steered");
  steering.addEventListener("gw-ptz-end", () => window.setTimeout(() => over(tile), 0), { once: true });
  look();
  // the button that began it is gone
  if (document.activeElement === document.body) wall?.focus();
  void steering.begin(tile.shown);
}

function over(tile: Tile): void {
  tile.classList.remove("steered");
  tile.querySelector("gw-ptz")?.remove();
  if (steering && !steering.isConnected) steering = null;
  wall?.focus();
}

/** A button on the picked tile says that it can be steered; a tile that shows another camera is let go. */
function look(): void {
  const tile = picked();
  for (const button of wall?.querySelectorAll(".ptz-begin") ?? []) if (button.parentElement !== tile) button.remove();
  if (steering && steering.parentElement !== tile) steering.end();
  if (!tile || !domes.has(tile.shown) || steering) {
    tile?.querySelector(".ptz-begin")?.remove();
    return;
  }
  if (tile.querySelector(".ptz-begin")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small ptz-begin";
  button.textContent = t("조작", "Steer");
  const key = document.createElement("kbd");
  key.textContent = "P";
  button.append(key);
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    begin();
  });
  tile.append(button);
}

function keys(event: KeyboardEvent, down: boolean): void {
  if (steering?.key(event, down)) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  const free = !event.ctrlKey && !event.altKey && !event.metaKey && !(event.target instanceof HTMLInputElement);
  if (down && free && !steering && (event.key === "p" || event.key === "P" || event.key === "ㅔ")) begin();
}

if (wall && domes.size) {
  // before the wall's own keys: arrows steer while a camera is steered
  document.addEventListener("keydown", (event) => keys(event, true), true);
  document.addEventListener("keyup", (event) => keys(event, false), true);
  new MutationObserver(look).observe(wall, { attributes: true, subtree: true, attributeFilter: ["data-picked", "data-state"] });
  look();
}
