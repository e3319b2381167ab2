// Where pages find the library (static/vendor) is not where its types lie (node_modules).
export * from "maplibre-gl";
