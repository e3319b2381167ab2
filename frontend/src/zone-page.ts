/** The page where a zone is drawn (조작 구역 그리기): the same numbers on a map, by mouse, and in fields, by hand. */
import { pageData } from "./net.js";
import { type Forbidden, type Point, type ZoneShape, ZoneMap, corners, svg } from "./ptz-map.js";
import { t } from "./text.js";

interface Span {
  from: string;
  until: string;
  purpose?: string;
  limits?: [Point, Point, Point];
  forbidden?: Forbidden[];
  home?: [number, number, number];
}

interface Zone extends Span {
  view?: { wide: Point; tele: Point };
  speeds?: [number, number, number];
  hours?: Span[];
  masks?: boolean;
}

interface Data {
  zone: Zone | null;
  may: boolean;
  purposes: string[];
}

const VIEWS_MAX = 32;
const CORNERS_MAX = 64;
const AXES: [string, string][] = [["좌우", "Pan"], ["상하", "Tilt"], ["확대", "Zoom"]];
const data = pageData<Data>("zone-data");
const zone: Zone = data.zone ?? ({ limits: [[-0.5, 0.5], [-0.5, 0.3], [0, 1]], home: [0, 0, 0], forbidden: [] } as unknown as Zone);
const holder = document.getElementById("zone-editor");
const output = document.getElementById("zone-json") as HTMLInputElement | null;
const map = new ZoneMap();
const grips = svg("g", {});
const fields = document.createElement("div");
fields.id = "zone-fields";
let span = -1;
let chosen = -1;
let drawing: Point[] | null = null;

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** What is edited now: the whole day, or one span of hours with what it has of its own. */
function part(): Span {
  return span < 0 ? zone : (zone.hours?.[span] ?? zone);
}

function limits(): [Point, Point, Point] {
  return part().limits ?? zone.limits ?? [[-1, 1], [-1, 1], [0, 1]];
}

function views(): Forbidden[] {
  return part().forbidden ?? zone.forbidden ?? [];
}

function home(): [number, number, number] {
  const found = part().home ?? zone.home;
  return Array.isArray(found) ? found : [0, 0, 0];
}

function shape(): ZoneShape {
  return { limits: limits(), forbidden: views(), home: home(), wide: zone.view?.wide ?? [0.354, 0.42], tele: zone.view?.tele ?? [0.013, 0.016] };
}

function own(): Span {
  const here = part();
  here.limits ??= structuredClone(limits());
  here.forbidden ??= structuredClone(views());
  here.home ??= structuredClone(home());
  return here;
}

function changed(): void {
  map.draw(shape());
  const [pan, tilt, zoom] = home();
  map.see([pan, tilt, zoom], true);
  drawGrips();
  if (output) output.value = JSON.stringify(zone);
}

function all(): void {
  drawFields();
  changed();
}

function grip(at: Point, move: (to: Point) => void): SVGElement {
  const mark = svg("ellipse", { class: "grip", cx: at[0], cy: -at[1], rx: 0.014, ry: 0.028 });
  mark.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    map.root.setPointerCapture(event.pointerId);
    const follow = (next: PointerEvent): void => {
      move(where(next));
      changed();
    };
    map.root.addEventListener("pointermove", follow);
    map.root.addEventListener("pointerup", () => {
      map.root.removeEventListener("pointermove", follow);
      drawFields();
    }, { once: true });
  });
  return mark;
}

function where(event: PointerEvent | MouseEvent): Point {
  const box = map.root.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * 2.04 - 1.02;
  const y = 1.02 - ((event.clientY - box.top) / box.height) * 2.04;
  return [round(Math.min(1, Math.max(-1, x))), round(Math.min(1, Math.max(-1, y)))];
}

function drawGrips(): void {
  const marks: SVGElement[] = [];
  const [pan, tilt] = limits();
  if (data.may) {
    marks.push(grip([pan[0], tilt[0]], (to) => { const l = own().limits; if (l) { l[0][0] = Math.min(to[0], l[0][1] - 0.01); l[1][0] = Math.min(to[1], l[1][1] - 0.01); } }));
    marks.push(grip([pan[1], tilt[1]], (to) => { const l = own().limits; if (l) { l[0][1] = Math.max(to[0], l[0][0] + 0.01); l[1][1] = Math.max(to[1], l[1][0] + 0.01); } }));
    const at = home();
    marks.push(grip([at[0], at[1]], (to) => { own().home = [to[0], to[1], home()[2]]; }));
    const view = views()[chosen];
    view?.polygon.forEach((corner, index) => marks.push(grip(corner, (to) => {
      const mine = own().forbidden?.[chosen];
      if (mine) mine.polygon[index] = to;
    })));
  }
  const view = views()[chosen];
  if (view) marks.unshift(svg("polygon", { class: "zone-forbidden picked", points: corners(view.polygon), "vector-effect": "non-scaling-stroke", "pointer-events": "none" }));
  if (drawing) marks.push(svg("polyline", { class: "zone-forbidden picked", points: corners(drawing), "vector-effect": "non-scaling-stroke" }));
  grips.replaceChildren(...marks);
}

function number(value: number, least: number, most: number, name: string, set: (value: number) => void): HTMLInputElement {
  const input = document.createElement("input");
  input.type = "number";
  input.step = "0.001";
  input.min = String(least);
  input.max = String(most);
  input.value = String(value);
  input.disabled = !data.may;
  input.setAttribute("aria-label", name);
  input.addEventListener("change", () => {
    const typed = Number(input.value);
    if (input.value === "" || !input.checkValidity()) {
      input.reportValidity();
      return;
    }
    set(typed);
    changed();
  });
  return input;
}

function line(label: string, ...inputs: HTMLElement[]): HTMLDivElement {
  const row = document.createElement("div");
  row.className = "numbers";
  const name = document.createElement("span");
  name.textContent = label;
  row.append(name, ...inputs);
  return row;
}

function group(title: string, ...rows: HTMLElement[]): HTMLFieldSetElement {
  const set = document.createElement("fieldset");
  const legend = document.createElement("legend");
  legend.textContent = title;
  set.append(legend, ...rows);
  return set;
}

function press(text: string, act: () => void, danger = false): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = danger ? "small danger" : "small";
  button.textContent = text;
  button.disabled = !data.may;
  button.addEventListener("click", act);
  return button;
}

function words(value: string, name: string, kind: string, set: (value: string) => void): HTMLInputElement {
  const input = document.createElement("input");
  input.type = kind;
  input.maxLength = 60;
  input.value = value;
  input.className = "name";
  input.disabled = !data.may;
  input.setAttribute("aria-label", name);
  input.addEventListener("change", () => {
    set(input.value);
    changed();
  });
  return input;
}

function viewGroup(view: Forbidden, index: number): HTMLElement {
  const mine = (): Forbidden | undefined => own().forbidden?.[index];
  const pick = press(index === chosen ? t("고른 구역", "Picked") : t("고르기", "Pick"), () => { chosen = index; all(); });
  const gone = press(t("지우기", "Delete"), () => { own().forbidden?.splice(index, 1); chosen = -1; all(); }, true);
  const rows = [
    line(t("이름", "Name"), words(view.name, t("금지 구역 이름", "Name of the view"), "text", (v) => { const m = mine(); if (m) m.name = v; }), pick, gone),
    line(t("이 확대부터 금지", "From zoom"), number(view.from_zoom ?? 0, 0, 1, t("이 확대부터 금지", "From zoom"), (v) => { const m = mine(); if (m) m.from_zoom = v; })),
  ];
  if (index === chosen) {
    view.polygon.forEach((corner, at) => rows.push(line(
      `${t("꼭짓점", "Corner")} ${at + 1}`,
      ...[0, 1].map((axis) => number(corner[axis] ?? 0, -1, 1, `${t("꼭짓점", "Corner")} ${at + 1} ${t(...(AXES[axis] ?? ["", ""]))}`, (v) => {
        const m = mine()?.polygon[at];
        if (m) m[axis] = v;
      })),
      ...(view.polygon.length > 3 ? [named(press("✕", () => { mine()?.polygon.splice(at, 1); all(); }, true), `${t("꼭짓점", "Corner")} ${at + 1} ${t("지우기", "delete")}`)] : []),
    )));
    if (view.polygon.length < CORNERS_MAX) rows.push(line("", press(t("꼭짓점 추가", "Add a corner"), () => { mine()?.polygon.push(between(view.polygon)); all(); })));
  }
  return group(`${t("비추지 않는 곳", "Forbidden view")} ${index + 1}`, ...rows);
}

function named(button: HTMLButtonElement, name: string): HTMLButtonElement {
  button.setAttribute("aria-label", name);
  return button;
}

/** The middle between the last corner and the first: a new corner that changes no outline yet. */
function between(polygon: Point[]): Point {
  const [a, b]: [Point, Point] = [polygon.at(-1) ?? [0, 0], polygon[0] ?? [0, 0]];
  return [round((a[0] + b[0]) / 2), round((a[1] + b[1]) / 2)];
}

/** A forbidden view without a pointer: a square in the middle of the limits, whose corners are numbers. */
function square(): void {
  if (views().length >= VIEWS_MAX) return;
  const [pan, tilt] = limits();
  const [x, y, half] = [(pan[0] + pan[1]) / 2, (tilt[0] + tilt[1]) / 2, 0.1];
  const corner = (dx: number, dy: number): Point => [round(Math.min(1, Math.max(-1, x + dx))), round(Math.min(1, Math.max(-1, y + dy)))];
  add([corner(-half, -half), corner(half, -half), corner(half, half), corner(-half, half)]);
}

function add(polygon: Point[]): void {
  const here = own();
  here.forbidden = [...(here.forbidden ?? []), { name: t("주택 창문", "Home windows"), polygon, from_zoom: 0 }];
  chosen = here.forbidden.length - 1;
}

function spanGroup(): HTMLElement {
  const select = document.createElement("select");
  select.setAttribute("aria-label", t("시간대", "Hours"));
  select.append(new Option(t("하루 종일", "Whole day"), "-1"));
  zone.hours?.forEach((s, i) => select.append(new Option(`${s.from}~${s.until} ${s.purpose ?? ""}`, String(i))));
  select.value = String(span);
  select.addEventListener("change", () => { span = Number(select.value); chosen = -1; all(); });
  const add = press(t("시간대 추가", "Add hours"), () => {
    zone.hours = [...(zone.hours ?? []), { from: "22:00", until: "06:00", limits: structuredClone(limits()) }];
    span = zone.hours.length - 1;
    all();
  });
  const rows: HTMLElement[] = [line(t("편집 중", "Editing"), select, add)];
  const here = zone.hours?.[span];
  if (here) {
    rows.push(line(t("부터·까지", "From, until"), words(here.from, t("부터", "From"), "time", (v) => { here.from = v; }), words(here.until, t("까지", "Until"), "time", (v) => { here.until = v; }),
      press(t("시간대 지우기", "Delete hours"), () => { zone.hours?.splice(span, 1); span = -1; all(); }, true)));
  }
  rows.push(line(t("목적", "Purpose"), words(part().purpose ?? "", t("목적", "Purpose"), "text", (v) => { part().purpose = v; })));
  return group(t("목적과 시간대", "Purpose and hours"), ...rows);
}

function stops(): HTMLElement[] {
  return [...fields.querySelectorAll<HTMLElement>("input, select, button")];
}

function nameOf(element: HTMLElement): string {
  return element.getAttribute("aria-label") ?? element.textContent ?? "";
}

/** The fields are made anew: the focus stays at the same word, else at the same place. */
function keep(at: number, name: string): void {
  if (at < 0) return;
  const now = stops();
  const same = now.filter((e) => nameOf(e) === name);
  const place = now[Math.min(at, now.length - 1)];
  (place && same.includes(place) ? place : (same.at(-1) ?? place))?.focus();
}

function drawFields(): void {
  const focused = document.activeElement as HTMLElement;
  const [at0, name0] = [stops().indexOf(focused), nameOf(focused)];
  const edge = limits();
  const at = home();
  const limitRows = AXES.map(([ko, en], axis) => line(t(ko, en),
    ...[0, 1].map((end) => number(edge[axis]?.[end] ?? 0, axis === 2 ? 0 : -1, 1, `${t(ko, en)} ${end ? t("끝", "most") : t("처음", "least")}`, (v) => {
      const pair = own().limits?.[axis];
      if (pair) pair[end] = v;
    }))));
  const homeRow = line(t("좌우 · 상하 · 확대", "Pan, tilt, zoom"), ...AXES.map(([ko, en], axis) => number(at[axis] ?? 0, axis === 2 ? 0 : -1, 1, `${t("기본 위치", "Home")} ${t(ko, en)}`, (v) => {
    const mine = own().home;
    if (mine) mine[axis] = v;
  })));
  const masks = document.createElement("input");
  masks.type = "checkbox";
  masks.checked = zone.masks ?? false;
  masks.disabled = !data.may;
  masks.addEventListener("change", () => { zone.masks = masks.checked; changed(); });
  const label = document.createElement("label");
  label.append(masks, t("기기에도 마스크를 둠(없거나 못 쓰면 녹화기가 그 시야를 막습니다)", "The device masks, too (where it cannot, the recorder blocks the view)"));
  fields.replaceChildren(spanGroup(), group(t("움직일 범위", "Limits"), ...limitRows), group(t("기본 위치", "Home"), homeRow), ...views().map(viewGroup),
    line("", press(drawing ? t("그리기 끝", "Finish") : t("금지 구역 그리기", "Draw a forbidden view"), toggleDrawing),
      press(t("네모로 추가", "Add a square"), () => { square(); all(); })), line("", label));
  keep(at0, name0);
}

function toggleDrawing(): void {
  if (drawing && drawing.length >= 3 && views().length < VIEWS_MAX) {
    add(drawing);
    drawing = null;
  } else drawing = drawing ? null : [];
  all();
}

if (holder) {
  map.root.append(grips);
  map.root.setAttribute("aria-label", t("좌우(가로)와 상하(세로)의 지도", "Map of pan (across) and tilt (up)"));
  // every place on the map is a number below it
  map.root.dataset["keys"] = fields.id;
  if (data.may) {
    map.root.addEventListener("click", (event) => {
      if (!drawing) return;
      drawing.push(where(event));
      changed();
    });
  }
  const left = document.createElement("div");
  const scale = document.createElement("div");
  scale.className = "scale";
  for (const word of ["−1", t("좌우 0 (가로: 좌우, 세로: 상하)", "Pan 0 (across: pan, up: tilt)"), "+1"]) {
    const mark = document.createElement("span");
    mark.textContent = word;
    scale.append(mark);
  }
  left.append(map.root, scale);
  holder.append(left, fields);
  all();
}
