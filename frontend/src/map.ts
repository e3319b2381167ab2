/** gw-map: cameras with view cones, and installation points by the ten thousand (지도). */
import * as maplibre from "/static/vendor/maplibre-gl/maplibre-gl.mjs";
import type * as GeoJSON from "geojson";
import { WEDGES, cone, wedge, wedgeName, type CameraProps } from "./cone.js";
import { EMPTY, style } from "./map-style.js";
import { CallError, call } from "./net.js";
import { t } from "./text.js";

interface Compact {
  count: number;
  purposes: string[];
  lon: number[];
  lat: number[];
  n: number[];
  p: number[];
}

type Point = GeoJSON.Feature<GeoJSON.Point, CameraProps>;
const KOREA: [number, number, number, number] = [125.0, 33.0, 131.0, 38.6];
const WORKER = "/static/vendor/maplibre-gl/maplibre-gl-worker.mjs";

const WORDS = { "Map.Title": t("지도", "Map"), "NavigationControl.ZoomIn": t("확대", "Zoom in"), "NavigationControl.ZoomOut": t("축소", "Zoom out") };

/** `<gw-map cameras points boundary>`; fires `gw-camera` with a camera's properties on a click or by keys, null beside. */
export class CameraMap extends HTMLElement {
  private map: maplibre.Map | null = null;
  private readonly note = document.createElement("div");
  private bounds = new maplibre.LngLatBounds();
  private own = new maplibre.LngLatBounds();
  private count = { cameras: 0, places: 0 };
  private inTurn: Point[] = [];
  private turn = -1;

  connectedCallback(): void {
    maplibre.setWorkerUrl(WORKER);
    const holder = document.createElement("div");
    holder.className = "map-canvas";
    this.note.className = "map-note";
    this.note.setAttribute("role", "status");
    this.note.textContent = t("지도를 불러오는 중", "Loading the map");
    const keys = document.createElement("div");
    keys.className = "map-keys";
    keys.textContent = t(
      "←→↑↓ 이동 · + − 확대·축소 · [ ] 기기 차례로 · Enter 가운데 기기 · Esc 닫기",
      "←→↑↓ move · + − zoom · [ ] cameras in turn · Enter the one in the middle · Esc close",
    );
    this.replaceChildren(holder, keys, this.note);
    const map = new maplibre.Map({
      container: holder, style: style(), bounds: KOREA, attributionControl: false, dragRotate: false, maxZoom: 19,
      localIdeographFontFamily: "Pretendard, 'Noto Sans CJK KR', sans-serif", fadeDuration: 0,
      locale: WORDS,
    });
    this.map = map;
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.getCanvas().addEventListener("keydown", (event) => this.key(event));
    map.addControl(new maplibre.NavigationControl({ showCompass: false }), "bottom-right");
    map.addControl(new maplibre.ScaleControl({}), "bottom-left");
    map.on("load", () => void this.fill());
    map.on("click", (event) => this.clicked(event));
    map.on("idle", () => (this.dataset["idle"] = "true"));
    map.on("movestart", () => (this.dataset["idle"] = "false"));
    map.on("moveend", () => this.graticule());
    for (const layer of ["cameras", "place-clusters"]) {
      map.on("mouseenter", layer, () => (map.getCanvas().style.cursor = "pointer"));
      map.on("mouseleave", layer, () => (map.getCanvas().style.cursor = ""));
    }
  }

  disconnectedCallback(): void {
    this.map?.remove();
    this.map = null;
  }

  /** Show or hide layers of a name's beginning (`cone`, `place`). */
  toggle(prefixes: string[], on: boolean): void {
    for (const layer of this.map?.getStyle().layers ?? []) {
      if (prefixes.some((p) => layer.id.startsWith(p))) {
        this.map?.setLayoutProperty(layer.id, "visibility", on ? "visible" : "none");
      }
    }
  }

  /** Show everything. */
  fit(bounds = this.bounds): void {
    if (!bounds.isEmpty()) this.map?.fitBounds(bounds, { padding: 60, maxZoom: 16, duration: 0 });
  }

  /** Go to a place. */
  go(lon: number, lat: number, zoom: number): void {
    this.map?.jumpTo({ center: [lon, lat], zoom });
  }

  /** What stands on the canvas now: cameras, and places with those inside clusters. */
  drawn(): { cameras: number; places: number } {
    const cameras = new Set(this.rendered(["cameras"]).map((f) => f.properties["id"] as string));
    const places = new Map<string, number>();
    for (const feature of this.rendered(["place-clusters", "place-points"])) {
      const cluster = feature.properties["cluster_id"] as number | undefined;
      places.set(cluster === undefined ? `p${feature.id}` : `c${cluster}`, (feature.properties["point_count"] as number) ?? 1);
    }
    return { cameras: cameras.size, places: [...places.values()].reduce((sum, n) => sum + n, 0) };
  }

  /** Where a camera stands on the canvas, in pixels from its corner; null when the number is unknown. */
  where(number: string): [number, number] | null {
    const found = this.rendered(["cameras"]).find((f) => f.properties["number"] === number);
    if (!found || found.geometry.type !== "Point" || !this.map) return null;
    const point = this.map.project(found.geometry.coordinates as [number, number]);
    return [point.x, point.y];
  }

  private rendered(layers: string[]): maplibre.MapGeoJSONFeature[] {
    return this.map?.queryRenderedFeatures({ layers }) ?? [];
  }

  private async fill(): Promise<void> {
    try {
      for (const angle of WEDGES) this.map?.addImage(`wedge-${angle}`, wedge(angle, 96, "#64b1f4"), { pixelRatio: 2 });
      await Promise.all([this.boundary(), this.cameras(), this.places()]);
      this.note.hidden = this.count.cameras + this.count.places > 0;
      this.note.textContent = t("등록된 기기와 설치지점이 없습니다.", "No cameras and no places are registered.");
      // an operator looks at the cameras first; "show all" takes in every place
      this.fit(this.own.isEmpty() ? this.bounds : this.own);
      this.graticule();
    } catch (error) {
      this.note.hidden = false;
      this.note.textContent = error instanceof CallError ? error.words : t("지도를 그리지 못했습니다.", "The map could not be drawn.");
    }
    this.dataset["cameras"] = String(this.count.cameras);
    this.dataset["places"] = String(this.count.places);
    this.dispatchEvent(new CustomEvent("gw-filled", { detail: this.count, bubbles: true }));
  }

  private set(source: string, data: GeoJSON.FeatureCollection): void {
    (this.map?.getSource(source) as maplibre.GeoJSONSource | undefined)?.setData(data);
  }

  /** Thin lines of round degrees, so that an empty ground still has a scale. */
  private graticule(): void {
    const box = this.map?.getBounds();
    if (!box) return;
    const span = box.getEast() - box.getWest();
    const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2].find((s) => span / s < 14) ?? 5;
    const [west, east, south, north] = [box.getWest(), box.getEast(), box.getSouth(), box.getNorth()];
    const lines: [number, number][][] = [];
    for (let x = Math.floor(west / step) * step; x <= east; x += step) lines.push([[x, south], [x, north]]);
    for (let y = Math.floor(south / step) * step; y <= north; y += step) lines.push([[west, y], [east, y]]);
    const geometry = { type: "MultiLineString" as const, coordinates: lines };
    this.set("grid", { type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry }] });
  }

  private async boundary(): Promise<void> {
    const url = this.getAttribute("boundary");
    if (!url) return;
    try {
      this.set("boundary", await call<GeoJSON.FeatureCollection>("GET", url));
    } catch (error) {
      // without its district the map still shows every camera
      if (!(error instanceof CallError)) throw error;
    }
  }

  private async cameras(): Promise<void> {
    const url = this.getAttribute("cameras");
    if (!url) return;
    const found = await call<{ type: "FeatureCollection"; features: Point[] }>("GET", url);
    for (const feature of found.features) {
      this.bounds.extend(feature.geometry.coordinates as [number, number]);
      this.own.extend(feature.geometry.coordinates as [number, number]);
      Object.assign(feature.properties, { wedge: wedgeName(feature.properties.angle) });
    }
    this.count.cameras = found.features.length;
    this.inTurn = [...found.features].sort((a, b) => a.properties.number.localeCompare(b.properties.number));
    this.set("cameras", found);
    this.set("cones", { type: "FeatureCollection", features: found.features.map(ground) });
  }

  private async places(): Promise<void> {
    const url = this.getAttribute("points");
    if (!url) return;
    const found = await call<Compact>("GET", url, undefined, 30_000);
    const features: GeoJSON.Feature[] = found.lon.map((lon, i) => {
      const at: [number, number] = [lon, found.lat[i] ?? 0];
      this.bounds.extend(at);
      const properties = { n: found.n[i] ?? 0, purpose: found.purposes[found.p[i] ?? 0] ?? "" };
      return { type: "Feature", id: i, geometry: { type: "Point", coordinates: at }, properties };
    });
    this.count.places = features.length;
    this.set("places", features.length ? { type: "FeatureCollection", features } : EMPTY);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "[" || event.key === "]") this.step(event.key === "]" ? 1 : -1);
    else if (event.key === "Enter") this.middle();
    else return;
    event.preventDefault();
  }

  /** The next or the last camera by its number, wherever it stands. */
  private step(by: number): void {
    const all = this.inTurn.length;
    if (!all) return;
    this.turn = this.turn < 0 && by < 0 ? all - 1 : (this.turn + by + all) % all;
    this.take(this.inTurn[this.turn]);
  }

  /** The camera nearest to the middle of what is in sight. */
  private middle(): void {
    const map = this.map;
    if (!map) return;
    const [box, middle] = [map.getBounds(), map.project(map.getCenter())];
    let [best, least] = [-1, Number.POSITIVE_INFINITY];
    this.inTurn.forEach((feature, index) => {
      const at = feature.geometry.coordinates as [number, number];
      const far = box.contains(at) ? map.project(at).dist(middle) : Number.POSITIVE_INFINITY;
      if (far < least) [best, least] = [index, far];
    });
    if (best < 0) return;
    this.turn = best;
    this.take(this.inTurn[best]);
  }

  private take(feature: Point | undefined): void {
    if (!feature) return;
    this.map?.jumpTo({ center: feature.geometry.coordinates as [number, number] });
    this.pick(feature.properties);
  }

  private clicked(event: maplibre.MapMouseEvent): void {
    const box: [[number, number], [number, number]] = [
      [event.point.x - 6, event.point.y - 6],
      [event.point.x + 6, event.point.y + 6],
    ];
    const camera = this.map?.queryRenderedFeatures(box, { layers: ["cameras"] })[0];
    const cluster = this.map?.queryRenderedFeatures(box, { layers: ["place-clusters"] })[0];
    if (!camera && cluster && this.map) {
      this.map.easeTo({ center: event.lngLat, zoom: Math.min(this.map.getZoom() + 2, 18) });
      return;
    }
    this.pick(camera ? (camera.properties as CameraProps) : null);
  }

  private pick(camera: CameraProps | null): void {
    this.map?.setFilter("picked", ["==", ["get", "id"], camera?.id ?? ""]);
    const purposes = typeof camera?.purposes === "string" ? (JSON.parse(camera.purposes) as string[]) : (camera?.purposes ?? []);
    this.dispatchEvent(new CustomEvent("gw-camera", { detail: camera && { ...camera, purposes }, bubbles: true }));
  }
}

function ground(feature: Point): GeoJSON.Feature {
  const [lon, lat] = feature.geometry.coordinates as [number, number];
  const { direction, angle, range } = feature.properties;
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [cone(lon, lat, direction, angle, range)] } };
}

customElements.define("gw-map", CameraMap);
