/** Sockets to recorders (녹화기 연결): direct where the page's policy allows it, else through a worker of a later policy. */

/** What a tile needs of a WebSocket. */
export interface Line {
  onopen: (() => void) | null;
  onmessage: ((event: { data: ArrayBuffer | string }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

/** A message of a relayed socket, from the worker. */
export interface Relayed {
  type: "open" | "data" | "close";
  data?: ArrayBuffer | string;
  code?: number;
}

const LEFT = 1006;
const RELAY_URL = "/watch/relay.js";
const RELAYS_MAX = 32;
let allowed: Set<string> | null = null;
/** One worker for each recorder that was registered after this page was opened: its policy is of its own loading. */
const relays = new Map<string, Worker>();

/** The origins of recorders that this page's policy names. */
export function allow(origins: string[]): void {
  allowed = new Set(origins.map(originOf));
}

function originOf(url: string): string {
  return new URL(url).origin;
}

function relay(origin: string): Worker | null {
  let worker = relays.get(origin);
  if (!worker && relays.size < RELAYS_MAX) {
    worker = new Worker(RELAY_URL, { type: "module" });
    // one that could not be loaded is tried again with the next connection
    worker.onerror = () => drop(origin);
    relays.set(origin, worker);
  }
  return worker ?? null;
}

function drop(origin: string): void {
  relays.get(origin)?.terminate();
  relays.delete(origin);
  for (const line of [...RelayLine.open]) if (line.origin === origin) line.lost();
}

/** A socket that lives in a worker. */
class RelayLine implements Line {
  static readonly open = new Set<RelayLine>();
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer | string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  private readonly port: MessagePort;

  constructor(url: string, worker: Worker, readonly origin: string) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = (event: MessageEvent<Relayed>) => this.take(event.data);
    RelayLine.open.add(this);
    worker.postMessage(url, [port2]);
  }

  private take(said: Relayed): void {
    if (said.type === "open") this.onopen?.();
    else if (said.type === "data") this.onmessage?.({ data: said.data ?? "" });
    else this.lost(said.code);
  }

  /** The socket is gone. */
  lost(code = LEFT): void {
    if (!RelayLine.open.delete(this)) return;
    this.port.close();
    this.onclose?.({ code });
  }

  send(text: string): void {
    this.port.postMessage(text);
  }

  close(): void {
    if (!RelayLine.open.has(this)) return;
    this.port.postMessage(null);
    this.lost(1000);
  }
}

/** Open a socket; binary messages come as ArrayBuffer. */
export function lineTo(url: string): Line {
  const origin = originOf(url);
  const worker = allowed && !allowed.has(origin) ? relay(origin) : null;
  if (worker) return new RelayLine(url, worker, origin);
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  return {
    set onopen(call: (() => void) | null) {
      socket.onopen = call;
    },
    set onmessage(call: ((event: { data: ArrayBuffer | string }) => void) | null) {
      socket.onmessage = call;
    },
    set onclose(call: ((event: { code: number }) => void) | null) {
      socket.onclose = call;
    },
    send(text: string): void {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close(): void {
      socket.close();
    },
  };
}
