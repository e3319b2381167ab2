"""Events on a real PostgreSQL: commit order, replay, acknowledgement, and a listener whose backend is ended."""

import asyncio
import threading
from uuid import uuid4

import psycopg
import pytest

from gwanje.kernel import database, events
from gwanje.kernel.events import Event, Listener


def emit(home, connection, **more):
    with connection.transaction(), connection.cursor() as cursor:
        return events.emit(cursor, home.clock, Event(**{"kind": "camera.silent", "source": "recorder", **more}))


def last(connection):
    with connection.cursor() as cursor:
        found = events.latest(cursor, 1)
    return found[0].seq if found else 0


def test_an_event_comes_back_as_it_went(server, app):
    start, camera = last(app), uuid4()
    place = (126.95, 37.39)
    made = emit(server, app, severity=3, place=place, cameras=[camera], body={"까닭": "정전"}, situation=uuid4())
    with app.cursor() as cursor:
        (found,) = events.after(cursor, start)
        assert (found.id, found.seq, found.place, found.cameras) == (made.id, made.seq, place, (camera,))
        assert found.body == {"까닭": "정전"}
        assert abs(found.at_us - made.at_us) <= 1
        assert found.as_json()["severity"] == "alarm"
        assert events.acknowledge(cursor, server.clock, made.id, uuid4())
        assert not events.acknowledge(cursor, server.clock, made.id, uuid4()), "the first one stays"
        assert events.after(cursor, start)[0].acknowledged_by is not None


def test_limits(server, app):
    for more in ({"severity": 9}, {"body": {"x": "y" * 20_000}}, {"cameras": [uuid4()] * 257}):
        with pytest.raises(events.BadEvent):
            emit(server, app, **more)


def test_another_agency_reports_but_does_not_read(server, app):
    start, agency = last(app), uuid4()
    with psycopg.connect(database.dsn(server), autocommit=True) as web:
        made = emit(server, web, agency=agency)
        shared = emit(server, web)
        with web.cursor() as cursor:
            assert [e.seq for e in events.after(cursor, start)] == [shared.seq]
            assert not events.acknowledge(cursor, server.clock, made.id, uuid4())
        with web.transaction(), web.cursor() as cursor:
            cursor.execute("select set_config('gwanje.agencies', %s, true)", [f"{uuid4()},{agency}"])
            assert [e.seq for e in events.after(cursor, start)] == [made.seq, shared.seq]
            assert events.acknowledge(cursor, server.clock, made.id, uuid4())


def test_seq_follows_commit_order_so_no_reader_misses_a_row(server, app):
    start = last(app)
    seen: list[int] = []
    stop = threading.Event()

    def read():
        with database.connect(server) as connection, connection.cursor() as cursor:
            at = start
            while not stop.is_set() or events.after(cursor, at, 1):
                for event in events.after(cursor, at):
                    seen.append(event.seq)
                    at = event.seq

    def write():
        with database.connect(server) as connection:
            for n in range(20):
                with connection.transaction(force_rollback=n % 5 == 0), connection.cursor() as cursor:
                    events.emit(cursor, server.clock, Event("test.event", "test"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    reader = threading.Thread(target=read)
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    reader.join()
    wanted = [s for (s,) in app.execute("select seq from event where seq > %s order by seq", [start]).fetchall()]
    assert len(wanted) == 64
    assert seen == wanted


def test_a_listener_survives_the_end_of_its_backend(server, app):
    async def story():
        listener = Listener(server, heartbeat_s=0.3)
        await listener.start()
        start = last(app)
        got: list[int] = []

        async def read(count):
            async for page in listener.read(start, wait_s=0.5):
                got.extend(e.seq for e in page)
                if len(got) >= count:
                    return

        reader = asyncio.create_task(read(3))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(emit, server, app)
        await asyncio.sleep(0.3)
        assert len(got) == 1
        ended = await asyncio.to_thread(_end_listeners, server)
        assert ended == 1
        await asyncio.to_thread(emit, server, app)
        await asyncio.sleep(1.0)
        assert listener.restarts >= 1
        await asyncio.to_thread(emit, server, app)
        await asyncio.wait_for(reader, 5)
        assert len(set(got)) == 3
        assert got == sorted(got)
        await listener.stop()

    asyncio.run(story())


def _end_listeners(server):
    from gwanje.apps.postgres import SUPERUSER

    word = (server.secrets / "pg-super").read_text().strip()
    with psycopg.connect(
        host=str(server.run), dbname="gwanje", user=SUPERUSER, password=word, autocommit=True
    ) as superuser:
        found = superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gwanje_app' "
            "and query in ('listen gwanje_event', 'select 1')"
        ).fetchall()
    return len(found)


def test_an_idle_stream_beats_and_readers_are_bounded(server):
    async def story():
        listener = Listener(server)
        listener.READERS_MAX = 1
        stream = listener.read(1 << 40, wait_s=0.05)
        assert await anext(stream) == []
        with pytest.raises(RuntimeError, match="too many"):
            await anext(listener.read(0))
        await stream.aclose()
        await anext(listener.read(1 << 40, wait_s=0.05))

    asyncio.run(story())
