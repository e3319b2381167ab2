/** A worker that holds sockets to one recorder (중계): loaded when a recorder was registered after its page was opened. */
import type { Relayed } from "./relay.js";

function serve(url: string, port: MessagePort): void {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const say = (said: Relayed, also: Transferable[] = []): void => port.postMessage(said, also);
  socket.onopen = () => say({ type: "open" });
  socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) =>
    say({ type: "data", data: event.data }, event.data instanceof ArrayBuffer ? [event.data] : []);
  socket.onclose = (event) => {
    say({ type: "close", code: event.code });
    port.close();
  };
  // null: the tile has gone
  port.onmessage = (event: MessageEvent<string | null>) => {
    if (event.data === null) socket.close();
    else if (socket.readyState === WebSocket.OPEN) socket.send(event.data);
  };
}

self.addEventListener("message", (event: MessageEvent<string>) => {
  const port = event.ports[0];
  if (port) serve(event.data, port);
});
