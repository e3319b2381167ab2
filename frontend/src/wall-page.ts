/** The wall's page: wires the wall to the list, the bar and the server. */
import { cameraButton } from "./camera-button.js";
import "./feed.js";
import { call, pageData } from "./net.js";
import { allow } from "./relay.js";
import { abilities, codecName } from "./seat.js";
import { t } from "./text.js";
import { guess } from "./tickets.js";
import type { CodecNews } from "./tile.js";
import { DRAG, Wall, type CameraItem } from "./wall.js";

interface WallData {
  mayWatch: boolean;
  cameras: CameraItem[];
  layout: { grid: number; cameras: string[] } | null;
  seatPurposes: string[];
  recorders: string[];
  recorder: string;
  glass: { id: string; until: number; cameras: string[] } | null;
}

const SAVE_MS = 800;
const data = pageData<WallData>("wall-data");
const wall = document.getElementById("wall");

function begin(view: Wall): void {
  const known = new Set(data.cameras.map((c) => c.id));
  const saved = data.layout?.cameras.filter((id) => known.has(id)) ?? [];
  const usual = saved.length ? saved : data.cameras.map((c) => c.id);
  // what the glass was broken for stands first
  const broken = data.glass?.cameras.filter((id) => known.has(id)) ?? [];
  const slots = [...broken, ...usual.filter((id) => !broken.includes(id))];
  const only = broken.length > 0 && broken.length === data.cameras.length;
  const grid = only ? (broken.length > 4 ? 9 : broken.length > 1 ? 4 : 1) : (data.layout?.grid ?? 9);
  allow(data.recorders);
  guess(data.recorder);
  view.arrange(data.cameras, grid, slots);
  bar(view);
  list(view);
  // an arrangement of a quarter of an hour is nobody's usual one
  if (!data.glass) saving(view);
  side();
  codecs(view);
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
  const button = cameraButton(camera);
  button.draggable = true;
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

/** Say what this seat's browser cannot decode, once a camera needs it, and how it is shown instead. */
function codecs(view: Wall): void {
  const strip = document.getElementById("seat-codecs");
  const words = document.getElementById("seat-words");
  const list = document.getElementById("seat-abilities");
  if (!strip || !words || !list) return;
  const met = new Map<string, Set<string>>();
  view.addEventListener("gw-codec", (event) => {
    const news = (event as CustomEvent<CodecNews>).detail;
    const name = codecName(news.codec);
    if (!met.size) void abilities().then((lines) => (list.textContent = lines.join(" · ")));
    met.set(name, (met.get(name) ?? new Set()).add(news.camera));
    const names = [...met.keys()].join(", ");
    const count = new Set([...met.values()].flatMap((cameras) => [...cameras])).size;
    words.textContent = t(
      `이 좌석의 브라우저는 ${names} 영상을 재생하지 못합니다. 기기 ${count}대를 보조영상이나 변환영상으로 보여 줍니다.`,
      `This seat's browser cannot play ${names}. ${count} camera(s) are shown by their sub-stream or converted.`,
    );
    strip.hidden = false;
  });
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

/** What opens over the wall closes with Escape, and when the focus goes on from it. */
function fold(): void {
  const over = document.querySelector<HTMLDetailsElement>(".emergency-open");
  over?.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !over.open) return;
    over.open = false;
    over.querySelector("summary")?.focus();
    event.stopPropagation();
  });
  over?.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !over.contains(event.relatedTarget)) over.open = false;
  });
}

if (data.mayWatch && wall instanceof Wall) begin(wall);
fold();
for (const kind of ["gw-event", "gw-over"]) {
  document.addEventListener(kind, (event) => {
    const told = (event as CustomEvent<{ kind: string; body: Record<string, unknown> } | null>).detail;
    const over = kind === "gw-over" && (event.target as HTMLElement).closest(`[data-glass="${data.glass?.id}"]`);
    if (data.glass && (over || (told?.kind === "glass.ended" && told.body["id"] === data.glass.id))) window.location.reload();
  });
}
document.querySelector("#emergency gw-countdown")?.addEventListener("gw-over", () => window.location.reload());
