/** The map's page: layers on and off, and a card with the live picture of the camera that was clicked. */
import type { CameraProps } from "./cone.js";
import "./feed.js";
import { CameraMap } from "./map.js";
import { pageData } from "./net.js";
import { allow } from "./relay.js";
import { t } from "./text.js";
import { guess } from "./tickets.js";
import { Tile } from "./tile.js";

interface MapData {
  mayWatch: boolean;
  recorders: string[];
  recorder: string;
}

const data = pageData<MapData>("map-data");
allow(data.recorders);
guess(data.recorder);
const map = document.getElementById("map");
const card = document.getElementById("map-card");

function line(text: string, className = ""): HTMLElement {
  const element = document.createElement("p");
  element.textContent = text;
  element.className = className;
  return element;
}

function show(camera: CameraProps | null): void {
  if (!card) return;
  // whoever closed the card from inside goes on from the map
  if (!camera && card.contains(document.activeElement)) map?.querySelector("canvas")?.focus();
  card.replaceChildren();
  card.hidden = !camera;
  if (!camera) return;
  const head = document.createElement("h2");
  head.textContent = camera.label;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "plain small";
  close.textContent = "✕";
  close.setAttribute("aria-label", t("닫기", "Close"));
  close.addEventListener("click", () => show(null));
  const link = document.createElement("a");
  link.href = `/cameras/${camera.id}/`;
  link.textContent = t("관리대장 보기", "Registry entry");
  const view = `${t("방향", "direction")} ${camera.direction}° · ${t("화각", "angle")} ${camera.angle}° · ${camera.range} m`;
  card.append(close, head, ...picture(camera), line(camera.purposes.join(", ")), line(view, "muted"), link);
}

function picture(camera: CameraProps): HTMLElement[] {
  if (camera.state !== "active") return [line(t("운영 중인 기기가 아닙니다.", "Not in operation."), "muted")];
  if (!data.mayWatch) return [line(t("근무 중인 관제요원만 영상을 봅니다.", "Only operators on shift see video."), "muted")];
  const tile = document.createElement("gw-tile");
  if (tile instanceof Tile) tile.show(camera.id, camera.label);
  return [tile];
}

if (map instanceof CameraMap) {
  map.addEventListener("gw-camera", (event) => show((event as CustomEvent<CameraProps | null>).detail));
  map.addEventListener("gw-filled", (event) => {
    const count = document.getElementById("point-count");
    const found = (event as CustomEvent<{ places: number }>).detail.places;
    if (count) count.textContent = found ? found.toLocaleString("ko-KR") : "";
  });
  const on = (id: string, prefixes: string[]): void => {
    const box = document.getElementById(id) as HTMLInputElement | null;
    box?.addEventListener("change", () => map.toggle(prefixes, box.checked));
  };
  on("show-cones", ["cone", "wedge"]);
  on("show-points", ["place"]);
  document.getElementById("map-fit")?.addEventListener("click", () => map.fit());
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") show(null);
});
document.querySelector("#emergency gw-countdown")?.addEventListener("gw-over", () => window.location.reload());
