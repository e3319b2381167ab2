/** The frame of every page: the clock in the top bar, which follows the server's time. */
import { letterDate, timeOf } from "./text.js";

const clock = document.getElementById("gw-clock");
const given = Number(clock?.dataset["now"] ?? 0);
if (clock && given) {
  const ahead = given - Math.floor(Date.now() / 1000);
  const date = clock.querySelector(".date");
  const time = clock.querySelector("b");
  const tick = (): void => {
    const now = Date.now() / 1000 + (Math.abs(ahead) > 2 ? ahead : 0);
    if (date) date.textContent = letterDate(now);
    if (time) time.textContent = timeOf(now);
  };
  tick();
  window.setInterval(tick, 500);
}
