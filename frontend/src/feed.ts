/** gw-feed: events as they happen (알림), replayed after a break; gw-countdown: time left of something. */
import { call } from "./net.js";
import { centreNow } from "./now.js";
import { span, t, timeOf } from "./text.js";

interface EventRow {
  id: string;
  seq: number;
  kind: string;
  severity: string;
  at_us: number;
  cameras: string[];
  body: Record<string, unknown>;
  acknowledged_us: number | null;
}

const ROWS_MAX = 100;
const LOUD = ["warning", "alarm", "emergency"];

/** The words of an event; a kind nobody has named is shown by its own name. */
export function words(event: EventRow): string {
  const body = event.body;
  const of = (name: string): string => (typeof body[name] === "string" || typeof body[name] === "number" ? String(body[name]) : "");
  switch (event.kind) {
    case "emergency.opened":
      return `${t("긴급 관제 시작", "Emergency watching opened")} · ${of("station")} ${of("trigger")}: ${of("reason")} (${of("minutes")}${t("분", " min")})`;
    case "emergency.ended":
      return `${t("긴급 관제 종료", "Emergency watching ended")} · ${of("station")}`;
    case "ptz.emergency.opened":
      return `${t("구역 밖 긴급 조작", "Steered outside its zone")} · ${of("station")} ${of("camera")}: ${of("reason")}`;
    case "ptz.emergency.ended":
      return `${t("구역 밖 긴급 조작 종료", "Back inside its zone")} · ${of("station")} ${of("camera")}`;
    default: {
      const said = of(t("ko", "en")) || of("ko") || of("text") || of("message");
      return said || event.kind;
    }
  }
}

/** `<gw-feed src>`: newest on top, at most 100 rows; loud ones can be acknowledged. */
export class Feed extends HTMLElement {
  private source: EventSource | null = null;
  private readonly list = document.createElement("ol");
  private readonly state = document.createElement("p");
  private last = 0;

  connectedCallback(): void {
    this.list.className = "feed-list";
    this.state.className = "feed-state muted";
    this.setAttribute("aria-live", "polite");
    this.replaceChildren(this.state, this.list);
    this.state.textContent = t("불러오는 중", "Loading");
    void this.begin();
  }

  disconnectedCallback(): void {
    this.source?.close();
  }

  private async begin(): Promise<void> {
    try {
      const rows = await call<EventRow[]>("GET", "/api/watching/events?limit=50");
      for (const row of rows.reverse()) this.add(row);
      this.open();
    } catch {
      this.state.textContent = t("알림을 불러오지 못했습니다. 다시 시도합니다.", "Events could not be loaded; trying again.");
      window.setTimeout(() => this.isConnected && void this.begin(), 5000);
    }
  }

  private open(): void {
    const source = new EventSource(`${this.getAttribute("src") ?? "/watch/events/"}?after=${this.last}`);
    this.source = source;
    source.onopen = () => this.say();
    source.onmessage = (event: MessageEvent<string>) => this.add(JSON.parse(event.data) as EventRow);
    source.onerror = () => {
      this.state.hidden = false;
      this.state.textContent = t("연결이 끊겨 다시 잇는 중", "Reconnecting");
      if (source.readyState === EventSource.CLOSED) window.setTimeout(() => this.isConnected && this.open(), 5000);
    };
    this.say();
  }

  private say(): void {
    this.state.hidden = this.list.childElementCount > 0;
    this.state.textContent = t("새 알림이 없습니다.", "No events.");
  }

  private add(event: EventRow): void {
    if (event.seq <= this.last && this.last > 0) return;
    this.last = Math.max(this.last, event.seq);
    const row = document.createElement("li");
    row.dataset["severity"] = event.severity;
    const time = document.createElement("time");
    time.textContent = timeOf(event.at_us / 1e6);
    const text = document.createElement("span");
    text.textContent = words(event);
    row.append(time, text);
    if (LOUD.includes(event.severity) && !event.acknowledged_us) row.append(this.button(event.id, row));
    this.list.prepend(row);
    while (this.list.childElementCount > ROWS_MAX) this.list.lastElementChild?.remove();
    this.say();
    this.dispatchEvent(new CustomEvent("gw-event", { detail: event, bubbles: true }));
  }

  private button(id: string, row: HTMLElement): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    button.textContent = t("확인", "Acknowledge");
    button.addEventListener("click", async () => {
      const focused = document.activeElement === button;
      button.disabled = true;
      try {
        await call("POST", `/api/watching/events/${id}/acknowledge`);
        row.classList.add("seen");
        button.remove();
        if (focused) this.next(row);
      } catch {
        button.disabled = false;
        if (focused) button.focus();
      }
    });
    return button;
  }

  /** Whoever acknowledges by keyboard goes on with the next older row, else the newest, else stands in the list. */
  private next(done: HTMLElement): void {
    const left = [...this.list.querySelectorAll("button")];
    const older = left.find((b) => done.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING);
    this.tabIndex = -1;
    (older ?? left[0] ?? this).focus();
  }
}

/** `<gw-countdown until="Unix s">`: time left; fires `gw-over` once at zero. */
export class Countdown extends HTMLElement {
  private timer = 0;

  connectedCallback(): void {
    this.tick();
    this.timer = window.setInterval(() => this.tick(), 500);
  }

  disconnectedCallback(): void {
    window.clearInterval(this.timer);
  }

  private tick(): void {
    const left = Number(this.getAttribute("until") ?? 0) - centreNow();
    this.textContent = span(left);
    this.classList.toggle("short", left < 60);
    if (left > 0) return;
    window.clearInterval(this.timer);
    this.dispatchEvent(new CustomEvent("gw-over", { bubbles: true }));
  }
}

customElements.define("gw-feed", Feed);
customElements.define("gw-countdown", Countdown);
