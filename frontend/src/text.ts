/** Words on a screen in the page's language (화면 말): Korean first, English second. */
export const language: "ko" | "en" = document.documentElement.lang.startsWith("en") ? "en" : "ko";

/** The Korean or the English words. */
export function t(ko: string, en: string): string {
  return language === "en" ? en : ko;
}

const clockTime = new Intl.DateTimeFormat("ko-KR", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: "Asia/Seoul",
});
const dayTime = new Intl.DateTimeFormat("sv-SE", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "Asia/Seoul",
});

/** 03:12:45 of a Unix time in seconds. */
export function timeOf(unixS: number): string {
  return clockTime.format(new Date(unixS * 1000));
}

/** 2026-11-20 03:12:45 of a Unix time in seconds. */
export function dateTimeOf(unixS: number): string {
  return dayTime.format(new Date(unixS * 1000));
}

/** 2026. 11. 20.(금), or (Fri), of a Unix time in seconds. */
export function letterDate(unixS: number): string {
  const date = new Date(unixS * 1000);
  const part = (o: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(t("ko-KR", "en-GB"), { timeZone: "Asia/Seoul", ...o }).format(date);
  // "11월" and "22일" lose their word; the weekdays 월 and 일 must not
  const number = (o: Intl.DateTimeFormatOptions): string => part(o).replace(/\D/g, "");
  const day = [number({ year: "numeric" }), number({ month: "numeric" }), number({ day: "numeric" })].join(". ");
  return `${day}.(${part({ weekday: "short" })})`;
}

/** 4:05 of a number of seconds, never below zero. */
export function span(seconds: number): string {
  const left = Math.max(0, Math.floor(seconds));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}
