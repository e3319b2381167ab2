/** Rights to watch (관제 권한): tiles that open together ask together; who is refused asks alone and hears why. */
import { call } from "./net.js";

/** Which of a camera's streams: the third is made of another one at the recorder. */
export type StreamName = "main" | "sub" | "transcode";

/** What a tile needs to connect. */
export interface Ticket {
  token: string;
  url: string;
  expires: number;
  label: string;
  /** End (Unix s) of the break-glass that alone shows the camera, 0 where the right reaches it. */
  glass?: number;
}

interface Waiting {
  camera: string;
  stream: StreamName;
  done: (ticket: Promise<Ticket>) => void;
}

const TOGETHER_MAX = 16;
/** Where each camera was last: no right, only a guess at the address, so that connecting need not wait for the token. */
const places = new Map<string, string>();
let lastPlace = "";

/** The address that a camera's last ticket named, "" when there was none. */
export function placeOf(camera: string): string {
  return places.get(camera) ?? "";
}

/** Where to connect while the ticket is asked for: the camera's own last address, else the only one met. */
export function guessOf(camera: string): string {
  return places.get(camera) ?? lastPlace;
}

/** Begin with an address of the page's own data. */
export function guess(url: string): void {
  lastPlace = url;
}

/** A ticket named this address. */
export function learn(camera: string, url: string): void {
  if (lastPlace && lastPlace !== url) lastPlace = "";
  else if (!places.size) lastPlace = url;
  places.set(camera, url);
}

let waiting: Waiting[] = [];

function alone(one: Waiting): void {
  one.done(call<Ticket>("POST", "/api/watching/live-token", { camera: one.camera, stream: one.stream }));
}

async function ask(group: Waiting[]): Promise<void> {
  if (group.length === 1) return group.forEach(alone);
  const body = { cameras: group.map((one) => one.camera), stream: group[0]?.stream };
  try {
    const { tickets } = await call<{ tickets: (Ticket | null)[] }>("POST", "/api/watching/live-tokens", body);
    group.forEach((one, i) => {
      const ticket = tickets[i];
      if (ticket) one.done(Promise.resolve(ticket));
      else alone(one);
    });
  } catch (error) {
    for (const one of group) one.done(Promise.reject(error));
  }
}

function flush(): void {
  const all = waiting;
  waiting = [];
  for (const stream of new Set(all.map((one) => one.stream))) {
    const same = all.filter((one) => one.stream === stream);
    for (let at = 0; at < same.length; at += TOGETHER_MAX) void ask(same.slice(at, at + TOGETHER_MAX));
  }
}

/** A minute's right to watch one stream; CallError when it is refused. A renewal may wait for others (`waitMs`). */
export function ticketFor(camera: string, stream: StreamName, waitMs = 0): Promise<Ticket> {
  return new Promise((resolve) => {
    if (waitMs) window.setTimeout(flush, waitMs);
    else queueMicrotask(flush);
    waiting.push({ camera, stream, done: resolve });
  });
}
