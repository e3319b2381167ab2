/** What this seat's browser can decode (좌석의 재생 능력), and how a codec is called for a person. */
import { t } from "./text.js";

interface Ability {
  name: string;
  codec: string;
  width: number;
  height: number;
  mbit: number;
}

// what cameras of Korean centres send; levels as large as the pictures need
const ASKED: Ability[] = [
  { name: "H.264 640×360", codec: "avc1.4d401e", width: 640, height: 360, mbit: 0.5 },
  { name: "H.264 1080p", codec: "avc1.640028", width: 1920, height: 1080, mbit: 4 },
  { name: "H.264 4K", codec: "avc1.640033", width: 3840, height: 2160, mbit: 16 },
  { name: "H.265 640×360", codec: "hvc1.1.6.L63.B0", width: 640, height: 360, mbit: 0.3 },
  { name: "H.265 1080p", codec: "hvc1.1.6.L120.B0", width: 1920, height: 1080, mbit: 2 },
  { name: "H.265 4K", codec: "hvc1.1.6.L153.B0", width: 3840, height: 2160, mbit: 8 },
];
const RATE = 25;

/** MIME type of an MP4 with one codec. */
export function typeOf(codec: string): string {
  return `video/mp4; codecs="${codec}"`;
}

/** May this codec be given to a video element here? */
export function playable(codec: string): boolean {
  return codec !== "" && MediaSource.isTypeSupported(typeOf(codec));
}

/** A codec's name by its RFC 6381 text. */
export function codecName(codec: string): string {
  if (codec.startsWith("avc")) return "H.264";
  if (codec.startsWith("hvc") || codec.startsWith("hev")) return "H.265";
  if (/^mp4v\.6c/i.test(codec)) return "MJPEG";
  if (codec.startsWith("mp4v")) return "MPEG-4";
  return codec || t("알 수 없는 형식", "an unknown format");
}

async function ability(asked: Ability): Promise<string> {
  if (!playable(asked.codec)) return `${asked.name} ${t("못함", "no")}`;
  const video = {
    contentType: typeOf(asked.codec), width: asked.width, height: asked.height, bitrate: asked.mbit * 1e6, framerate: RATE,
  };
  try {
    const info = await navigator.mediaCapabilities.decodingInfo({ type: "media-source", video });
    if (!info.supported) return `${asked.name} ${t("못함", "no")}`;
    return `${asked.name} ${info.smooth ? t("가능", "yes") : t("끊길 수 있음", "may stutter")}`;
  } catch {
    return `${asked.name} ${t("가능", "yes")}`;
  }
}

/** One line for each kind of stream: can this browser play it, smoothly or not. */
export function abilities(): Promise<string[]> {
  return Promise.all(ASKED.map(ability));
}
