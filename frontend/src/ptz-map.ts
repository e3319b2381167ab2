/** The zone as a small map (조작 구역 그림): pan across, tilt up; limits, forbidden views, home, and what is seen now. */

/** A point: pan and tilt in [-1, 1]. */
export type Point = [number, number];

/** A view that is never shown from a zoom on. */
export interface Forbidden {
  name: string;
  polygon: Point[];
  from_zoom: number;
}

/** What the recorder says about a zone. */
export interface ZoneShape {
  limits: [Point, Point, Point];
  forbidden: Forbidden[];
  home: [number, number, number] | string | null;
  wide: Point;
  tele: Point;
  purpose?: string;
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes. */
export function svg<K extends keyof SVGElementTagNameMap>(name: K, attributes: Record<string, string | number>): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** Points of a polygon for SVG; tilt grows upwards. */
export function corners(points: Point[]): string {
  return points.map(([x, y]) => `${x},${-y}`).join(" ");
}

/** Size of the view at a zoom: width and height in pan and tilt. */
export function viewAt(zone: ZoneShape, zoom: number): Point {
  const share = Math.min(Math.max(zoom, 0), 1);
  return [zone.wide[0] + (zone.tele[0] - zone.wide[0]) * share, zone.wide[1] + (zone.tele[1] - zone.wide[1]) * share];
}

/** A drawing of a zone in the space [-1, 1] × [-1, 1]; `see(at, inside)` moves the frame of the view. */
export class ZoneMap {
  readonly root = svg("svg", { viewBox: "-1.02 -1.02 2.04 2.04", preserveAspectRatio: "none", class: "zone-map", role: "img" });
  private readonly still = svg("g", {});
  private readonly frame = svg("rect", { class: "zone-view", "vector-effect": "non-scaling-stroke" });
  private zone: ZoneShape | null = null;

  constructor() {
    this.root.append(this.still, this.frame);
    this.frame.setAttribute("visibility", "hidden");
  }

  /** Draw this zone. */
  draw(zone: ZoneShape): void {
    this.zone = zone;
    const [pan, tilt] = zone.limits;
    const line = { "vector-effect": "non-scaling-stroke" };
    const parts: SVGElement[] = [
      svg("rect", { class: "zone-outside", x: -1, y: -1, width: 2, height: 2 }),
      svg("rect", { ...line, class: "zone-limits", x: pan[0], y: -tilt[1], width: pan[1] - pan[0], height: tilt[1] - tilt[0] }),
      svg("path", { ...line, class: "zone-axes", d: "M-1 0H1M0 -1V1" }),
    ];
    for (const view of zone.forbidden) {
      const shape = svg("polygon", { ...line, class: "zone-forbidden", points: corners(view.polygon) });
      const title = svg("title", {});
      title.textContent = view.name;
      shape.append(title);
      parts.push(shape);
    }
    if (Array.isArray(zone.home)) {
      parts.push(svg("path", { ...line, class: "zone-home", d: `M${zone.home[0] - 0.04} ${-zone.home[1]}h.08m-.04 -.06v.12` }));
    }
    this.still.replaceChildren(...parts);
  }

  /** Where the head looks now; null when nobody knows. */
  see(at: [number, number, number] | null, inside: boolean): void {
    this.frame.setAttribute("visibility", at && this.zone ? "visible" : "hidden");
    if (!at || !this.zone) return;
    const [wide, tall] = viewAt(this.zone, at[2]);
    const box = { x: at[0] - wide / 2, y: -at[1] - tall / 2, width: wide, height: tall };
    for (const [key, value] of Object.entries(box)) this.frame.setAttribute(key, value.toFixed(4));
    this.frame.classList.toggle("outside", !inside);
  }
}
