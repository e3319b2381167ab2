"""What runs in the wall's page during ``bench live``: when each tile did what, and every painted frame."""

from __future__ import annotations

# frames: label, media time, painted (Unix ms), presented frames, strip of the burnt-in number now and then.
# first: for each opened tile ms from its opening to token, socket, both (ready), the first picture's bytes, appended,
# painted, and now (the first painted frame less than 0.3 s behind the newest one).
WATCH = """() => {
  const seen = { frames: [], first: [], unpainted: 0 };
  window.gwSeen = seen;
  const base = performance.timeOrigin;
  const sockets = new Map();
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      let way = null, open = 0;
      this.addEventListener("open", () => (open = performance.now()), { once: true });
      this.addEventListener("message", (e) => {
        if (!way || way.bytes) return;
        if (typeof e.data === "string") way.turning &&= JSON.parse(e.data).turn !== way.turning;
        else if (!way.turning && new DataView(e.data).getUint8(0) === 2) way.bytes = performance.now();
      });
      this.gwSent = (said) => {
        if (way && !said.turn) return;
        way = { open, sent: performance.now(), turning: said.turn };
        sockets.set(said.token, way);
      };
    }
    send(data) {
      if (typeof data === "string" && data.startsWith('{"token"')) this.gwSent(JSON.parse(data));
      return super.send(data);
    }
  };
  const add = MediaSource.prototype.addSourceBuffer;
  MediaSource.prototype.addSourceBuffer = function (type) {
    const buffer = add.call(this, type);
    buffer.addEventListener("updateend", () => {
      if (!buffer.gwAppended && buffer.buffered.length) buffer.gwAppended = performance.now();
    });
    return buffer;
  };
  const follow = (tile) => {
    const video = tile.querySelector("video");
    if (!video || tile.gwSeen) return;
    tile.gwSeen = true;
    let opened = 0, catching = null;
    const label = () => tile.querySelector(".tile-label").textContent;
    let camera = tile.shown;
    const begin = () => { opened = performance.now(); catching = null; };
    const look = new MutationObserver(() => {
      if (tile.shown !== camera) {
        camera = tile.shown;
        // a tile that was turned away before it had painted is no first picture of the next camera
        if (opened) seen.unpainted += 1;
        if (camera) begin();
        else opened = 0;
      } else if (tile.dataset.state === "connecting" && !opened) begin();
      if (tile.dataset.state === "idle") opened = 0;
    });
    look.observe(tile, { attributes: true, attributeFilter: ["data-state"] });
    look.observe(tile.querySelector(".tile-label"), { childList: true });
    if (tile.dataset.state === "connecting") begin();
    const canvas = new OffscreenCanvas(256, 144);
    const ink = canvas.getContext("2d", { willReadFrequently: true });
    let count = 0;
    const note = (painted) => {
      const socket = sockets.get(tile.token) ?? {};
      const first = { painted: painted - opened };
      if (socket.open > opened) first.socket = socket.open - opened;
      if (socket.sent) first.ready = socket.sent - opened;
      if (tile.gwToken > opened) first.token = tile.gwToken - opened;
      if (socket.bytes) first.bytes = socket.bytes - opened;
      const appended = tile.pipe.buffer?.gwAppended;
      if (appended) first.appended = appended - opened;
      catching = { first, opened };
      seen.first.push(first);
      opened = 0;
    };
    let token = tile.token;
    Object.defineProperty(tile, "token", {
      get: () => token,
      set: (value) => { if (value && !token) tile.gwToken = performance.now(); token = value; },
    });
    const take = (now, data) => {
      if (opened) note(data.expectedDisplayTime);
      if (catching) {
        const ranges = video.buffered;
        if (ranges.length && ranges.end(ranges.length - 1) - data.mediaTime < 0.3) {
          catching.first.now = data.expectedDisplayTime - catching.opened;
          catching = null;
        }
      }
      let strip = null;
      if (count++ % 100 === 20) {
        ink.drawImage(video, 0, 0, 256, 144);
        strip = [];
        const cell = 8, y = 144 - cell;
        for (let i = 0; i < 24; i++) strip.push(ink.getImageData((4 + i) * cell + 4, Math.round(y), 1, 1).data[1]);
      }
      seen.frames.push([label(), data.mediaTime, base + data.expectedDisplayTime, data.presentedFrames, strip]);
      video.requestVideoFrameCallback(take);
    };
    video.requestVideoFrameCallback(take);
  };
  const look = () => document.querySelectorAll("gw-tile").forEach(follow);
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}"""

TOKENS = """() => performance.getEntriesByType("resource").filter((e) => e.name.includes("live-token"))
  .map((e) => ({ whole: e.duration, server: e.responseStart - e.requestStart }))"""
