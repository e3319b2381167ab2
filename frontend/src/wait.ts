/** The page waits for a recorder (장치 작업 대기): how far it is, and the answer as soon as it is there; nothing typed is lost. */
import { t } from "./text.js";

const ASK_MS = 1500;
const TRIES_MAX = 400;
let typed = false;
let tries = 0;

/** The same page once more, as it is now; null when the server cannot be reached. */
async function again(): Promise<Document | null> {
  try {
    const answer = await fetch(location.href, { credentials: "same-origin", signal: AbortSignal.timeout(10_000) });
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null;
  }
}

function arrived(box: HTMLElement): void {
  if (!typed) {
    location.replace(location.href);
    return;
  }
  const show = document.createElement("button");
  show.type = "button";
  show.className = "small";
  show.textContent = t("보기(입력하던 것은 사라집니다)", "Show (what you typed is dropped)");
  show.addEventListener("click", () => location.replace(location.href));
  box.replaceChildren(t("답이 왔습니다.", "The answer is there."), " ", show);
}

async function look(box: HTMLElement): Promise<void> {
  const page = await again();
  const now = page?.getElementById("task-wait");
  tries += 1;
  if (page && !now) {
    arrived(box);
    return;
  }
  const words = box.querySelector(".task-words");
  const fresh = now?.querySelector(".task-words")?.textContent;
  if (words && fresh && words.textContent !== fresh) words.textContent = fresh;
  if (tries < TRIES_MAX) window.setTimeout(() => void look(box), ASK_MS);
}

const box = document.getElementById("task-wait");
if (box) {
  document.addEventListener("input", () => (typed = true));
  window.setTimeout(() => void look(box), ASK_MS);
}
