/** What is not shown of a permitted range, and why (빈 구간): in words, because a hatched line says neither. */
import { t, timeOf } from "./text.js";

/** A range without a picture; Unix seconds, half open. */
export interface Gap {
  from: number;
  until: number;
  reason: string;
}

const SHOWN_MAX = 50;
const REASONS: Record<string, [string, string]> = {
  network: ["통신 끊김", "network"], camera: ["기기 이상", "camera"], disk: ["저장 장애", "disk"], overload: ["과부하", "overload"],
  clock: ["시각 이상", "clock"], "no key": ["키 없음", "no key"], "not due": ["녹화 대상 아님", "not due"], restart: ["재시작", "restart"],
  damaged: ["손상되어 열 수 없음", "damaged"], none: ["저장된 영상 없음", "nothing stored"], no_footage: ["저장된 영상 없음", "nothing stored"],
  destroyed: ["파기됨: 보관기간이 끝났습니다", "destroyed: its retention ended"],
  closed: [
    "폐쇄됨: 삭제 요구로 닫은 구간입니다. 보존을 밝힌 허가로만 열립니다",
    "closed on a request for deletion; only a permission that names a hold which has it opens it",
  ],
};
const HEADS: Record<string, [string, string]> = {
  closed: ["폐쇄 구간", "Closed"], destroyed: ["파기 구간", "Destroyed"], damaged: ["손상 구간", "Damaged"],
};

/** Why, in words. */
export function why(reason: string): string {
  return t(...(REASONS[reason] ?? [reason, reason]));
}

/** For the line under the picture: what kind of gap it is, and why. */
export function told(reason: string): string {
  return `${t(...(HEADS[reason] ?? ["녹화 공백", "Gap"]))} · ${why(reason)}`;
}

/** Gaps that touch each other for one reason become one; in order. */
export function merged(gaps: readonly Gap[]): Gap[] {
  const made: Gap[] = [];
  for (const gap of [...gaps].sort((a, b) => a.from - b.from || a.until - b.until)) {
    const last = made.at(-1);
    if (last && last.reason === gap.reason && gap.from <= last.until) last.until = Math.max(last.until, gap.until);
    else made.push({ ...gap });
  }
  return made;
}

/** Fill a list with the gaps, each with its times; hidden while there are none. */
export function list(into: HTMLElement, gaps: readonly Gap[]): void {
  const all = merged(gaps);
  const rows = all.slice(0, SHOWN_MAX).map((gap) => {
    const row = document.createElement("li");
    const time = document.createElement("time");
    time.textContent = `${timeOf(gap.from)} ~ ${timeOf(gap.until)}`;
    row.dataset["reason"] = gap.reason;
    row.append(time, ` ${why(gap.reason)}`);
    return row;
  });
  if (all.length > SHOWN_MAX) {
    const more = document.createElement("li");
    more.textContent = t(`그 밖에 ${all.length - SHOWN_MAX}곳`, `${all.length - SHOWN_MAX} more`);
    rows.push(more);
  }
  into.replaceChildren(...rows);
  into.hidden = rows.length === 0;
}
