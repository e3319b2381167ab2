"""``gwanje web``: the web server (웹 서버), one process on the loopback address."""

from __future__ import annotations

import argparse

from gwanje.apps.commands.migrate import point


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("web", help="웹 서버 / the web server")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM; open event streams are cut after 3 s."""
    point(args)
    import signal

    import uvicorn

    from gwanje.kernel.home import Home
    from gwanje.kernel.keys import publish, signing_key

    home = Home.find(args.data)
    signing_key(home, "web", create=True)
    publish(home, "web")
    # uvicorn stops by itself and then raises the signal once more: asked to stop is no failure
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.run(
        "gwanje.apps.web.asgi:application",
        host="127.0.0.1",
        port=home.port,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        limit_concurrency=400,
        h11_max_incomplete_event_size=64 * 1024,
        server_header=False,
        proxy_headers=False,
    )
    return 0
