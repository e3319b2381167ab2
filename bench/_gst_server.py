"""RTSP server of GStreamer (not ours), run by the system's Python: three codecs, each with a sound track beside it.

``/usr/bin/python3 bench/_gst_server.py``: prints ``{"port": N, "mounts": [...]}`` and the mounts' audio requests at the
end (a line on stdin ends it).
"""

import json
import sys
import threading
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - versions are chosen first

PICTURE = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=192,framerate=15/1,format=I420 ! queue"
CODECS = {
    "H264": (
        "x264enc",
        "x264enc tune=zerolatency key-int-max=15 speed-preset=ultrafast ! rtph264pay config-interval=1",
    ),
    "H265": (
        "x265enc",
        "x265enc key-int-max=15 speed-preset=ultrafast tune=zerolatency ! rtph265pay config-interval=1",
    ),
    # rtpmp4vpay of 1.22 sends no picture here, to ffmpeg neither: MPEG-4 is tried with the simulator only
    "JPEG": ("jpegenc", "jpegenc ! rtpjpegpay"),
}
SOUND = "audiotestsrc is-live=true ! queue ! alawenc ! rtppcmapay name=pay1 pt=8"


def main() -> None:
    """Serve until a line comes."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    asked = []
    mounts = []
    for name, (element, chain) in CODECS.items():
        if not Gst.ElementFactory.find(element):
            continue
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {PICTURE} ! {chain} name=pay0 pt={26 if name == 'JPEG' else 96} {SOUND} )")
        factory.set_shared(False)
        server.get_mount_points().add_factory(f"/{name}", factory)
        mounts.append(name)

    def connected(_server: object, client: Any) -> None:
        client.connect("setup-request", lambda _c, context: asked.append(context.uri.abspath))

    server.connect("client-connected", connected)
    server.attach(None)
    print(json.dumps({"port": server.get_bound_port(), "mounts": mounts}), flush=True)
    loop = GLib.MainLoop()

    def wait() -> None:
        sys.stdin.readline()
        GLib.idle_add(loop.quit)

    threading.Thread(target=wait, daemon=True).start()
    loop.run()
    print(json.dumps({"setups": asked}), flush=True)


if __name__ == "__main__":
    main()
