/** The frame of every page: the clock in the top bar, which follows the server's time. */
import "./alarm.js";
import { centreNow } from "./now.js";
import { letterDate, timeOf } from "./text.js";

const clock = document.getElementById("gw-clock");
if (clock) {
  const date = clock.querySelector(".date");
  const time = clock.querySelector("b");
  const tick = (): void => {
    const now = centreNow();
    if (date) date.textContent = letterDate(now);
    if (time) time.textContent = timeOf(now);
  };
  tick();
  window.setInterval(tick, 500);
}
