/** The map's style (지도 모양): no tiles, no glyph server; our own GeoJSON only. */
import type { LayerSpecification, StyleSpecification } from "maplibre-gl";

export const EMPTY = { type: "FeatureCollection" as const, features: [] };
export const CLUSTER_MAX_ZOOM = 13;
const TEXT_FONT = ["Pretendard"];

const LAYERS: LayerSpecification[] = [
  { id: "ground", type: "background", paint: { "background-color": "#0e1317" } },
  { id: "land", type: "fill", source: "boundary", paint: { "fill-color": "#161e25" } },
  { id: "border", type: "line", source: "boundary", paint: { "line-color": "#425262", "line-width": 1.5 } },
  { id: "grid", type: "line", source: "grid", paint: { "line-color": "#1b242c", "line-width": 1 } },
  {
    id: "place-clusters", type: "circle", source: "places", filter: ["has", "point_count"],
    paint: {
      "circle-color": "#33506b", "circle-opacity": 0.85, "circle-stroke-color": "#5b7f9f", "circle-stroke-width": 1,
      "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "point_count"]], 1, 7, 10, 12, 60, 30, 140, 44],
    },
  },
  {
    id: "place-counts", type: "symbol", source: "places", filter: ["has", "point_count"],
    layout: { "text-field": ["get", "point_count_abbreviated"], "text-size": 11, "text-font": TEXT_FONT, "text-allow-overlap": true },
    paint: { "text-color": "#d9e6f1" },
  },
  {
    id: "place-points", type: "circle", source: "places", filter: ["!", ["has", "point_count"]],
    paint: {
      "circle-color": "#7795ad", "circle-opacity": 0.9, "circle-stroke-color": "#0e1317", "circle-stroke-width": 1,
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 8, 2.5, 13, 3.5, 17, 6],
    },
  },
  { id: "cones", type: "fill", source: "cones", minzoom: 15, paint: { "fill-color": "#64b1f4", "fill-opacity": 0.28 } },
  { id: "cone-edges", type: "line", source: "cones", minzoom: 15, paint: { "line-color": "#64b1f4", "line-opacity": 0.8 } },
  {
    id: "wedges", type: "symbol", source: "cameras", maxzoom: 16,
    layout: {
      "icon-image": ["get", "wedge"], "icon-rotate": ["get", "direction"], "icon-rotation-alignment": "map",
      "icon-allow-overlap": true, "icon-ignore-placement": true,
      "icon-size": ["interpolate", ["linear"], ["zoom"], 10, 0.85, 14, 1.3],
    },
  },
  {
    id: "cameras", type: "circle", source: "cameras",
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 5, 16, 8],
      "circle-color": ["match", ["get", "state"], "active", "#64b1f4", "planned", "#8795a1", "#efc15e"],
      "circle-stroke-color": "#06121c", "circle-stroke-width": 2,
    },
  },
  {
    id: "picked", type: "circle", source: "cameras", filter: ["==", ["get", "id"], ""],
    paint: { "circle-radius": 13, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 },
  },
  {
    id: "camera-labels", type: "symbol", source: "cameras",
    layout: {
      "text-field": ["step", ["zoom"], ["get", "number"], 14, ["get", "label"]], "text-size": 12, "text-font": TEXT_FONT,
      "text-anchor": "top", "text-offset": [0, 0.9], "text-max-width": 14, "text-optional": true,
    },
    paint: { "text-color": "#e4ebf1", "text-halo-color": "#0e1317", "text-halo-width": 1.6 },
  },
];

/** The style; sources are filled by the component. */
export function style(): StyleSpecification {
  const empty = { type: "geojson" as const, data: EMPTY };
  return {
    version: 8,
    sources: {
      boundary: empty,
      grid: empty,
      places: { ...empty, cluster: true, clusterRadius: 44, clusterMaxZoom: CLUSTER_MAX_ZOOM },
      cones: empty,
      cameras: empty,
    },
    layers: LAYERS,
  };
}
