/** A camera in a list to choose from (기기 목록의 한 줄): number, place, purposes. */

import type { CameraItem } from "./wall.js";

/** A button that says which camera it is; who makes it says what it does. */
export function cameraButton(camera: CameraItem): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  const number = document.createElement("b");
  number.textContent = camera.number;
  const place = document.createElement("span");
  place.textContent = camera.place;
  const purposes = document.createElement("small");
  purposes.textContent = camera.purposes.join(", ");
  button.append(number, place, purposes);
  return button;
}
