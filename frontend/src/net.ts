/** Calls to the API (서버 호출): JSON both ways, CSRF token, refusals with their words in both languages. */
import { language, t } from "./text.js";

/** What the server says when it refuses or cannot. */
export interface Problem {
  error: string;
  ko: string;
  en: string;
  rule: string;
  next: string;
  next_en?: string;
}

/** A refusal or fault of a call; `status` 0 = the server could not be reached. */
export class CallError extends Error {
  constructor(readonly status: number, readonly problem: Problem) {
    super(problem.error);
  }

  /** The words for a person, with what to do next. */
  get words(): string {
    return language === "en" ? this.problem.en : this.problem.ko;
  }

  /** What to do next, empty when nothing is known. */
  get next(): string {
    return language === "en" ? (this.problem.next_en ?? "") : this.problem.next;
  }
}

const AWAY: Problem = {
  error: "away", ko: "서버에 연결할 수 없습니다.", en: "The server cannot be reached.", rule: "", next: "잠시 뒤 다시 시도합니다.",
  next_en: "Trying again shortly.",
};

function token(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

/** One call; CallError for anything but 2xx. Gives up after `timeoutMs`. */
export async function call<T>(method: string, url: string, body?: unknown, timeoutMs = 10_000): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = token();
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: AbortSignal.timeout(timeoutMs) };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch {
    throw new CallError(0, AWAY);
  }
  if (response.ok) return (await response.json()) as T;
  throw new CallError(response.status, await problemOf(response));
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const said = (await response.json()) as Partial<Problem>;
    if (said.ko && said.en) return { error: "refused", rule: "", next: "", ...said } as Problem;
  } catch {
    // not JSON: the words below
  }
  const words = t("요청이 거부되었습니다", "The request was refused");
  return { error: "http", ko: `${words} (${response.status}).`, en: `${words} (${response.status}).`, rule: "", next: "" };
}

/** The data that a page carries for its script. */
export function pageData<T>(id: string): T {
  const element = document.getElementById(id);
  if (!element?.textContent) throw new Error(`no data of the page: #${id}`);
  return JSON.parse(element.textContent) as T;
}
