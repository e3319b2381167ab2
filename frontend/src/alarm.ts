/** The red line of every page (비상 열람 알림): who has broken the glass, where, and how long it still lasts. */
import "./feed.js";
import { centreNow } from "./now.js";
import { t } from "./text.js";

interface Told {
  seq: number;
  kind: string;
  body: Record<string, unknown>;
}

const AGAIN_MS = 5000;
const box = document.getElementById("gw-alarms");
let last = Number(box?.dataset["seq"] ?? 0);
let source: EventSource | null = null;

function row(id: string): HTMLElement | null {
  return box?.querySelector(`[data-glass="${CSS.escape(id)}"]`) ?? null;
}

function opened(body: Record<string, unknown>): void {
  const [id, until] = [String(body["id"] ?? ""), Number(body["until"] ?? 0)];
  if (!box || !id || row(id) || until <= centreNow()) return;
  const line = document.createElement("div");
  line.className = "glass-on";
  line.dataset["glass"] = id;
  const head = document.createElement("strong");
  head.textContent = t("비상 열람 중", "Glass broken");
  const left = document.createElement("gw-countdown");
  left.setAttribute("until", String(until));
  const said = document.createElement("span");
  said.className = "glass-said";
  const of = (name: string): string => String(body[name] ?? "");
  const cameras = t(`기기 ${of("count")}대`, `cameras: ${of("count")}`);
  said.textContent = `${of("name")}(${of("station")}) · ${cameras} · ${of("words")}`;
  const link = document.createElement("a");
  link.href = "/watch/glass/";
  link.textContent = t("보기", "View");
  line.append(head, " ", left, " ", said, " ", link);
  box.append(line);
}

function told(event: Told): void {
  last = Math.max(last, event.seq);
  if (event.kind === "glass.opened") opened(event.body);
  else if (event.kind === "glass.ended") row(String(event.body["id"] ?? ""))?.remove();
}

/** One stream while somebody looks at the page: a browser gives one address six connections, whatever is open. */
function listen(): void {
  source?.close();
  source = null;
  if (document.visibilityState === "hidden") return;
  const stream = new EventSource(`/watch/events/?after=${last}`);
  source = stream;
  stream.onmessage = (event: MessageEvent<string>) => told(JSON.parse(event.data) as Told);
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED || source !== stream) return;
    window.setTimeout(() => source === stream && listen(), AGAIN_MS);
  };
}

if (box) {
  box.addEventListener("gw-over", (event) => (event.target as HTMLElement).closest(".glass-on")?.remove());
  if (document.querySelector("gw-feed")) {
    // the wall has a stream already
    document.addEventListener("gw-event", (event) => told((event as CustomEvent<Told>).detail));
  } else {
    document.addEventListener("visibilitychange", listen);
    window.addEventListener("pagehide", () => source?.close());
    listen();
  }
}
