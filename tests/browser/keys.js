// Told to the browser before a page's own scripts: who listens to pointers, and where each Tab left the focus.
(() => {
  const POINTER = ["click", "dblclick", "mousedown", "mouseup", "pointerdown", "pointerup", "touchstart", "touchend"];
  const USABLE = "a[href], area[href], button, input:not([type=hidden]), select, textarea, summary, iframe, audio[controls], video[controls], [contenteditable], [tabindex]";
  const DRAWN = ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderTopColor", "borderBottomColor", "backgroundColor", "textDecorationLine"];
  const EDGE = 3;
  const heard = new Set();
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (name, ...rest) {
    if (POINTER.includes(name) && this instanceof Element) heard.add(this);
    return listen.call(this, name, ...rest);
  };

  let stops = [];
  let plain = new Map();

  const seen = (e) => e.getClientRects().length > 0 && e.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true });
  const off = (e) => e.matches(":disabled") || e.closest("[inert]") !== null;
  const named = (e) => {
    const id = e.id ? `#${e.id}` : "";
    const kind = typeof e.className === "string" && e.className ? `.${e.className.trim().split(/\s+/).join(".")}` : "";
    const words = (e.getAttribute("aria-label") || e.getAttribute("name") || e.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40);
    return `<${e.localName}${id}${kind}> ${words}`;
  };
  const looks = (e) => {
    const style = getComputedStyle(e);
    return Object.fromEntries(DRAWN.map((name) => [name, style[name]]));
  };

  const numbers = (colour) => {
    const found = /^rgba?\(([\d.]+),? ([\d.]+),? ([\d.]+)(?:[,/ ]+([\d.]+))?\)$/.exec(colour);
    return found ? [+found[1], +found[2], +found[3], found[4] === undefined ? 1 : +found[4]] : null;
  };
  /** The colour behind an element, and null where a picture or a mixture makes it unknown. */
  const behind = (e) => {
    for (let at = e.parentElement; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none" || ["CANVAS", "VIDEO"].includes(at.tagName)) return null;
      const colour = numbers(style.backgroundColor);
      if (!colour) return null;
      if (colour[3] === 1) return colour;
      if (colour[3] > 0) return null;
    }
    return [255, 255, 255, 1];
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [less, more] = [light(a), light(b)].sort((x, y) => x - y);
    return (more + 0.05) / (less + 0.05);
  };

  /** How many of the ring's four sides are inside everything that clips it. */
  const sides = (e, reach) => {
    const box = e.getBoundingClientRect();
    let [left, top, right, bottom] = [0, 0, innerWidth, innerHeight];
    // what is absolutely placed is clipped by its own containing blocks only; the sticky and fixed by the window
    for (let at = e; at && at !== document.documentElement; at = at.offsetParent && getComputedStyle(at).position === "absolute" ? at.offsetParent : at.parentElement) {
      if (at === e || getComputedStyle(at).overflow === "visible") continue;
      const clip = at.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, clip.left), Math.max(top, clip.top), Math.min(right, clip.right), Math.min(bottom, clip.bottom)];
    }
    const slack = 0.6;
    return [box.left - reach >= left - slack, box.top - reach >= top - slack, box.right + reach <= right + slack, box.bottom + reach <= bottom + slack].filter(Boolean).length;
  };

  /** What is wrong with how the focus shows on this element; empty when it is plain to see. */
  const shown = (e) => {
    const now = looks(e);
    const before = plain.get(e);
    const style = getComputedStyle(e);
    const width = parseFloat(style.outlineWidth);
    if (now.outlineStyle !== "none" && width >= 2) {
      const ring = numbers(style.outlineColor);
      const ground = behind(e);
      if (ring && ground && contrast(ring, ground) < EDGE) return `the ring has a contrast of ${contrast(ring, ground).toFixed(1)}`;
      const reach = parseFloat(style.outlineOffset) + width;
      const whole = sides(e, reach);
      return whole < 2 ? `the ring is cut off, ${whole} of 4 sides are left` : "";
    }
    if (before && DRAWN.some((name) => now[name] !== before[name] && !name.startsWith("outline"))) return "";
    return "nothing shows the focus";
  };

  /** Five points of the element's part in the window, and how many of them are its own. */
  const inView = (e) => {
    const rects = [...e.getClientRects()].filter((r) => r.width > 0 && r.height > 0);
    const own = rects.some((r) => {
      const [left, top] = [Math.max(r.left, 0), Math.max(r.top, 0)];
      const [right, bottom] = [Math.min(r.right, innerWidth), Math.min(r.bottom, innerHeight)];
      if (right <= left || bottom <= top) return false;
      const [dx, dy] = [Math.min(4, (right - left) / 3), Math.min(4, (bottom - top) / 3)];
      const points = [[(left + right) / 2, (top + bottom) / 2], [left + dx, top + dy], [right - dx, top + dy], [left + dx, bottom - dy], [right - dx, bottom - dy]];
      return points.filter(([x, y]) => {
        const hit = document.elementFromPoint(x, y);
        return hit && (hit === e || e.contains(hit) || hit.control === e || (hit.closest("label") ?? {}).control === e);
      }).length >= 2;
    });
    return own ? "" : "it is out of sight or covered";
  };

  const note = () => {
    const at = document.activeElement;
    if (!at || at === document.body || at === document.documentElement) stops.push({ at: null, wrong: [] });
    else stops.push({ at, wrong: [shown(at), inView(at)].filter(Boolean) });
  };
  listen.call(window, "keydown", (event) => event.key === "Tab" && event.isTrusted && note(), true);

  const usable = () => [...document.querySelectorAll(USABLE)].filter((e) => seen(e) && !off(e));
  const stop = (e) => e.tabIndex >= 0;
  const group = (e) => (e.type === "radio" && e.name ? [...document.querySelectorAll("input[type=radio]")].filter((o) => o.name === e.name && o.form === e.form) : [e]);

  window.gwKeys = {
    /** Open what is folded, remember how everything looks without the focus; how many stops there should be.
     * `frame`: with what stands around every page, the bar and the rail. */
    prepare: (frame = true) => {
      for (const part of document.querySelectorAll("body.control .rail, body.control .topbar")) part.inert = !frame;
      for (const fold of document.querySelectorAll("details:not([open])")) fold.open = true;
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      getSelection()?.collapse(document.body, 0);
      stops = [];
      plain = new Map(usable().map((e) => [e, looks(e)]));
      // fields of a date have a stop for each of their parts
      return usable().filter(stop).reduce((sum, e) => sum + (/^(date|time|datetime-local|month|week)$/.test(e.type) ? 8 : 1), 0);
    },
    /** True when the focus has come round: the first stop was seen again after another one, or nothing can be focused. */
    round: () => {
      const first = stops.find((s) => s.at)?.at;
      const from = stops.findIndex((s) => s.at);
      return first !== undefined && stops.slice(from + 1).some((s, i, rest) => s.at === first && rest.slice(0, i).some((o) => o.at !== first));
    },
    last: () => (stops.length && stops.at(-1).at ? named(stops.at(-1).at) : "the page"),
    /** Everything that is wrong, in words. */
    report: () => {
      const wrong = [];
      const reached = new Set(stops.map((s) => s.at).filter(Boolean));
      const inside = (e) => [...reached].some((r) => e.contains(r));
      const order = [...reached];
      for (const e of usable()) {
        if (e.tabIndex > 0) wrong.push(`${named(e)}: tabindex ${e.tabIndex}`);
        const mustStop = stop(e) || e.matches("a[href], button, input, select, textarea, summary");
        // a page that moves adds things while the walk goes on: only what stood there from the beginning
        if (mustStop && plain.has(e) && !group(e).some((o) => reached.has(o))) wrong.push(`${named(e)}: Tab never comes here`);
      }
      for (const { at, wrong: said } of stops) if (at && at.isConnected) for (const one of said) wrong.push(`${named(at)}: ${one}`);
      for (const e of heard) {
        if (!e.isConnected || !seen(e) || off(e)) continue;
        const way = e.closest("[data-keys]");
        if (way && inside(document.getElementById(way.dataset.keys) ?? e)) continue;
        const parent = order.some((r) => r.contains(e));
        // a frame around the one thing that takes the keys, as a map's is
        const canvas = e.querySelector("canvas[tabindex]");
        if (!parent && !(canvas && reached.has(canvas)) && !(e instanceof HTMLLabelElement)) wrong.push(`${named(e)}: only a pointer can use it`);
      }
      const skip = document.querySelector("a.skip");
      // a page that puts the focus into its field begins there: the order is asked, not the beginning
      const before = order.find((e) => skip && e !== skip && skip.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_PRECEDING);
      if (!skip) wrong.push("no skip link");
      else if (before) wrong.push(`${named(before)}: comes before the skip link`);
      return { wrong: [...new Set(wrong)], stops: reached.size };
    },
    /** What kinds of things can be used on the page: the same for two roles when they see the same page. */
    kinds: () => [...new Set([...document.querySelectorAll("main, main *")].filter(seen).map(
      (e) => `${e.localName}.${typeof e.className === "string" ? e.className : ""}[${e.getAttribute("type") ?? ""}${e.getAttribute("name") ?? ""}${e.getAttribute("role") ?? ""}]`))].sort().join("\n"),
  };
})();
