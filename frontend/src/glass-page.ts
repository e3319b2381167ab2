/** The page that breaks the glass (비상 열람): cameras are found by typing, Enter takes the first one, five at most. */
import { cameraButton } from "./camera-button.js";
import { pageData } from "./net.js";
import { t } from "./text.js";
import type { CameraItem } from "./wall.js";

interface GlassData {
  cameras: CameraItem[];
  most: number;
  chosen: string[];
}

const SHOWN_MAX = 40;
const data = pageData<GlassData>("glass-data");
const form = document.getElementById("glass-form") as HTMLFormElement;
const search = document.getElementById("gl-search") as HTMLInputElement;
const holder = document.getElementById("gl-list") as HTMLElement;
const none = document.getElementById("gl-none") as HTMLElement;
const taken = document.getElementById("gl-chosen") as HTMLElement;
const count = document.getElementById("gl-count") as HTMLElement;
const chosen = new Map<string, CameraItem>();

function hits(): CameraItem[] {
  const asked = search.value.trim().toLowerCase();
  const found: CameraItem[] = [];
  for (const camera of data.cameras) {
    if (chosen.has(camera.id)) continue;
    if (`${camera.label} ${camera.purposes.join(" ")}`.toLowerCase().includes(asked)) found.push(camera);
    if (found.length === SHOWN_MAX) break;
  }
  return found;
}

function take(camera: CameraItem): void {
  if (chosen.size >= data.most) return;
  chosen.set(camera.id, camera);
  search.value = "";
  draw();
  search.focus();
}

function line(camera: CameraItem): HTMLLIElement {
  const row = document.createElement("li");
  const button = cameraButton(camera);
  button.disabled = chosen.size >= data.most;
  button.addEventListener("click", () => take(camera));
  row.append(button);
  return row;
}

function chip(camera: CameraItem): HTMLLIElement {
  const row = document.createElement("li");
  const said = document.createElement("span");
  said.textContent = camera.label;
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = "camera";
  input.value = camera.id;
  const out = document.createElement("button");
  out.type = "button";
  out.className = "plain small";
  out.textContent = "✕";
  out.setAttribute("aria-label", `${camera.label} ${t("빼기", "remove")}`);
  out.addEventListener("click", () => {
    chosen.delete(camera.id);
    draw();
    search.focus();
  });
  row.append(said, input, out);
  return row;
}

function draw(): void {
  const found = hits();
  holder.replaceChildren(...found.map(line));
  taken.replaceChildren(...[...chosen.values()].map(chip));
  none.hidden = found.length > 0;
  count.textContent = `${chosen.size}/${data.most}`;
  search.setCustomValidity(chosen.size ? "" : t("기기를 하나 이상 고르십시오.", "Choose at least one camera."));
}

search.addEventListener("input", draw);
search.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  // with nothing typed Enter is the form's own, once something has been chosen
  if (!search.value.trim() && chosen.size) return;
  event.preventDefault();
  const [first] = hits();
  if (first) take(first);
});
form.addEventListener("submit", (event) => {
  if (chosen.size) return;
  event.preventDefault();
  search.reportValidity();
});
for (const id of data.chosen) {
  const camera = data.cameras.find((one) => one.id === id);
  if (camera && chosen.size < data.most) chosen.set(id, camera);
}
draw();
