/** View cones (촬영 범위): where a camera looks, as a polygon on the ground and as a wedge on the screen. */

/** A camera as the map gets it from the server. */
export interface CameraProps {
  id: string;
  number: string;
  label: string;
  state: string;
  purposes: string[];
  direction: number;
  angle: number;
  range: number;
}

const METRES_PER_DEGREE = 111_320;
const STEP_DEG = 6;

/** Ring of lon/lat around what the camera sees; `direction` clockwise from north, `range` in metres. */
export function cone(lon: number, lat: number, direction: number, angle: number, range: number): [number, number][] {
  const point = (bearing: number): [number, number] => {
    const rad = (bearing * Math.PI) / 180;
    const north = (Math.cos(rad) * range) / METRES_PER_DEGREE;
    const east = (Math.sin(rad) * range) / (METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180));
    return [lon + east, lat + north];
  };
  const steps = Math.max(2, Math.ceil(angle / STEP_DEG));
  const arc = Array.from({ length: steps + 1 }, (_, i) => point(direction - angle / 2 + (angle * i) / steps));
  const first = arc[0] as [number, number];
  return angle >= 360 ? [...arc.slice(0, -1), first] : [[lon, lat], ...arc, [lon, lat]];
}

/** Opening angles that have a wedge of their own; the nearest larger one is used. */
export const WEDGES = [30, 60, 90, 120, 180, 360] as const;

/** Name of the wedge image for an angle. */
export function wedgeName(angle: number): string {
  return `wedge-${WEDGES.find((w) => angle <= w) ?? 360}`;
}

/** A wedge that points north, as pixels. */
export function wedge(angle: number, size: number, colour: string): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no 2d context");
  const half = size / 2;
  const fade = context.createRadialGradient(half, half, 0, half, half, half);
  fade.addColorStop(0, `${colour}e0`);
  fade.addColorStop(1, `${colour}18`);
  context.fillStyle = fade;
  context.beginPath();
  const up = -Math.PI / 2;
  const side = (angle * Math.PI) / 360;
  if (angle >= 360) context.arc(half, half, half, 0, 2 * Math.PI);
  else {
    context.moveTo(half, half);
    context.arc(half, half, half, up - side, up + side);
  }
  context.closePath();
  context.fill();
  return context.getImageData(0, 0, size, size);
}
