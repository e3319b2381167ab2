/** The centre's time (센터 시각): a viewer's machine may have another clock, and what counts down is counted here. */
const given = Number(document.getElementById("gw-clock")?.dataset["now"] ?? 0);
const ahead = given ? given - Math.floor(Date.now() / 1000) : 0;

/** Unix seconds at the centre; differences of 2 s are the page's own way here. */
export function centreNow(): number {
  return Date.now() / 1000 + (Math.abs(ahead) > 2 ? ahead : 0);
}
