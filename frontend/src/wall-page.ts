/** The wall's page: wires the wall to the list, the bar and the server. */
import "./feed.js";
import { call, pageData } from "./net.js";
import { DRAG, Wall, type CameraItem } from "./wall.js";

interface WallData {
  mayWatch: boolean;
  cameras: CameraItem[];
  layout: { grid: number; cameras: string[] } | null;
  seatPurposes: string[];
}

const SAVE_MS = 800;
const data = pageData<WallData>("wall-data");
const wall = document.getElementById("wall");

function begin(view: Wall): void {
  const known = new Set(data.cameras.map((c) => c.id));
  const saved = data.layout?.cameras.filter((id) => known.has(id)) ?? [];
  const slots = saved.length ? saved : data.cameras.map((c) => c.id);
  view.arrange(data.cameras, data.layout?.grid ?? 9, slots);
  bar(view);
  list(view);
  saving(view);
  side();
  view.focus();
}

function bar(view: Wall): void {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("[data-grid]")];
  const page = document.getElementById("wall-page");
  const show = (): void => {
    for (const b of buttons) b.setAttribute("aria-pressed", String(Number(b.dataset["grid"]) === view.view.grid));
    if (page) page.textContent = `${view.view.page + 1}/${view.view.pages}`;
  };
  for (const b of buttons) {
    b.addEventListener("click", () => {
      view.setGrid(Number(b.dataset["grid"]));
      show();
      view.focus();
    });
  }
  for (const b of document.querySelectorAll<HTMLButtonElement>("[data-page]")) {
    b.addEventListener("click", () => view.turn(Number(b.dataset["page"])));
  }
  view.addEventListener("gw-page", show);
  view.addEventListener("gw-layout", show);
  show();
}

function list(view: Wall): void {
  const holder = document.getElementById("camera-list");
  const search = document.getElementById("camera-search") as HTMLInputElement | null;
  const none = document.getElementById("camera-none");
  if (!holder || !search) return;
  const items = data.cameras.map((camera) => ({ camera, row: row(view, camera) }));
  holder.replaceChildren(...items.map((i) => i.row));
  const filter = (): void => {
    const asked = search.value.trim().toLowerCase();
    let shown = 0;
    for (const { camera, row: line } of items) {
      const hit = `${camera.label} ${camera.purposes.join(" ")}`.toLowerCase().includes(asked);
      line.hidden = !hit;
      shown += hit ? 1 : 0;
    }
    if (none) none.hidden = shown > 0;
  };
  search.addEventListener("input", filter);
  filter();
}

function row(view: Wall, camera: CameraItem): HTMLLIElement {
  const line = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.draggable = true;
  const number = document.createElement("b");
  number.textContent = camera.number;
  const place = document.createElement("span");
  place.textContent = camera.place;
  const purposes = document.createElement("small");
  purposes.textContent = camera.purposes.join(", ");
  button.append(number, place, purposes);
  button.title = camera.label;
  button.addEventListener("click", () => {
    view.put(camera.id);
    view.focus();
  });
  button.addEventListener("dragstart", (event) => event.dataTransfer?.setData(DRAG, camera.id));
  line.append(button);
  return line;
}

function saving(view: Wall): void {
  let timer = 0;
  const save = (): void => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void call("PUT", "/api/watching/layout", view.layout).catch(() => undefined), SAVE_MS);
  };
  view.addEventListener("gw-layout", save);
  // what a seat looks at is on record from the moment the wall opens, not from its first change
  save();
}

function side(): void {
  const toggle = document.getElementById("toggle-side");
  const panel = document.getElementById("wall-side");
  if (!toggle || !panel) return;
  const narrow = window.matchMedia("(max-width: 900px)").matches;
  panel.hidden = narrow;
  toggle.setAttribute("aria-expanded", String(!narrow));
  toggle.addEventListener("click", () => {
    panel.hidden = !panel.hidden;
    toggle.setAttribute("aria-expanded", String(!panel.hidden));
  });
}

if (data.mayWatch && wall instanceof Wall) begin(wall);
document.querySelector("#emergency gw-countdown")?.addEventListener("gw-over", () => window.location.reload());
