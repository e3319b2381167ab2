"""Is what was recorded whole? Every part opened with the keystore's roots, every picture compared, many decoded.

H.264: each stored picture is, byte for byte, a picture of the clip, and the one after the picture before it: nothing
lost, doubled, mixed up or torn. Decoding then shows that the container says so, too: the whole footage of a few
cameras' runs, the last seconds of each camera of many.
"""

from __future__ import annotations

import hashlib
import io
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import av

from bench._processes import say
from gwanje.kernel.home import Home
from gwanje.media import fmp4
from gwanje.vault import ceremony, parts, tree
from gwanje.vault.errors import SegmentBroken
from gwanje.vault.segment import SegmentReader

TIME_AT = 60
COUNT_AT = 80
REORDERED_AT = 76
LEFT_OUT = (6, 7, 8, 9)
DECODE_ALL_CAMERAS = 25
DECODE_S, DECODE_MANY_S, MANY = 4, 1, 300


@dataclass
class Found:
    """Figures of one camera, or of all together."""

    cameras: int = 0
    files: int = 0
    parts: int = 0
    pictures: int = 0
    compared: int = 0
    strange: int = 0
    jumps: int = 0
    back_ms_max: float = 0.0
    frames: int = 0
    expected: int = 0
    errors: int = 0

    def add(self, other: Found) -> None:
        """Sum up."""
        for one in fields(self):
            pair = getattr(self, one.name), getattr(other, one.name)
            setattr(self, one.name, max(pair) if one.name.endswith("_max") else sum(pair))


def pictures_of(clip: Path) -> dict[bytes, int]:
    """Digest of each picture as a recorder stores it (length-prefixed, without parameter sets) → its number."""
    out: dict[bytes, int] = {}
    with av.open(str(clip)) as container:
        number = 0
        for packet in container.demux(container.streams.video[0]):
            if not packet.size:
                continue
            data, at, kept = bytes(packet), 0, b""
            while at + 4 <= len(data):
                end = at + 4 + int.from_bytes(data[at : at + 4], "big")
                if data[at + 4] & 31 not in LEFT_OUT:
                    kept += data[at:end]
                at = end
            out[hashlib.blake2b(kept, digest_size=16).digest()] = number
            number += 1
    assert len(out) == number, "two pictures of the clip are the same"
    return out


def times(part: bytes) -> tuple[int, int]:
    """Decode time of a part's first picture, and the end of its last, 90 kHz."""
    count = int.from_bytes(part[COUNT_AT : COUNT_AT + 4], "big")
    row = fmp4.ROW_REORDERED if part[REORDERED_AT] else fmp4.ROW
    began = int.from_bytes(part[TIME_AT : TIME_AT + 8], "big")
    return began, began + sum(row.unpack_from(part, fmp4.MOOF_SIZE + n * row.size)[0] for n in range(count))


def samples(part: bytes) -> list[memoryview]:
    """The pictures of a part's fragment."""
    count = int.from_bytes(part[COUNT_AT : COUNT_AT + 4], "big")
    row = fmp4.ROW_REORDERED if part[REORDERED_AT] else fmp4.ROW
    at = fmp4.MOOF_SIZE + count * row.size + 8
    view, out = memoryview(part), []
    for number in range(count):
        size = row.unpack_from(part, fmp4.MOOF_SIZE + number * row.size)[1]
        out.append(view[at : at + size])
        at += size
    return out


def check_camera(paths: list[Path], roots: dict[tuple[int, int], bytes], clip: Path | None, last_s: int) -> Found:
    """One camera's files in order; ``clip`` None compares nothing; ``last_s`` 0 decodes everything."""
    known = pictures_of(clip) if clip else {}
    found, before, reach, keep = Found(cameras=1), -1, 0, []
    for path in paths:
        with SegmentReader(path) as reader:
            found.files += 1
            node = tree.slot_node(roots[reader.header.class_, reader.header.epoch], reader.header.slot)
            for part in reader.parts:
                okm = parts.okm(tree.leaf_below(node, part.header.tick), reader.segment_id)
                data = parts.open_part(okm, reader.segment_id, reader.read(part))
                found.parts += 1
                keep.append((part.header, data))
                if part.header.kind != parts.VIDEO:
                    continue
                began, end = times(data)
                found.back_ms_max = max(found.back_ms_max, (reach - began) / 90)
                reach = end
                pieces = samples(data)
                found.pictures += len(pieces)
                for piece in pieces if known else ():
                    number = known.get(hashlib.blake2b(piece, digest_size=16).digest())
                    found.compared += 1
                    found.strange += number is None
                    found.jumps += number is not None and before >= 0 and number != (before + 1) % len(known)
                    before = -1 if number is None else number
                keep = _newest(keep, last_s)
    _decode(keep, found)
    return found


def _newest(keep: list[Any], last_s: int) -> list[Any]:
    """Only the last seconds, from an init part before a key frame on."""
    if not last_s or len(keep) < 8 * last_s:
        return keep
    begin = keep[-1][0].start_us - last_s * 1_000_000
    # an init stands at a file's beginning, too, where no key frame need follow
    entries = [i for i, (head, _) in enumerate(keep[:-1]) if head.kind == parts.INIT and keep[i + 1][0].idr]
    return keep[max([i for i in entries if keep[i][0].start_us <= begin], default=0) :]


def _decode(keep: list[Any], found: Found) -> None:
    plain: list[bytes] = []
    for header, data in keep:
        if header.kind == parts.VIDEO or not plain:
            plain.append(data)
        if header.kind == parts.VIDEO:
            found.expected += int.from_bytes(data[COUNT_AT : COUNT_AT + 4], "big")
    try:
        with av.open(io.BytesIO(b"".join(plain)), "r") as container:
            stream = container.streams.video[0]
            stream.codec_context.options = {"err_detect": "explode"}
            for frame in container.decode(stream):
                found.frames += 1
                found.errors += frame.is_corrupt
    except av.FFmpegError as error:
        say(f"decode: {error}")
        found.errors += 1


def check(home: Home, cameras: int, clip: Path, codec: str) -> dict[str, Any]:
    """Every camera of a store; ``whole`` when all are there, every picture is right and nothing failed to decode."""
    roots = {key: bytes(root) for key, root in ceremony.open_keystore(home).load().roots.items()}
    by_slot: dict[str, list[Path]] = {}
    for path in sorted(home.store.rglob("*.gws"), key=lambda p: int(p.name.split("-")[1])):
        by_slot.setdefault(path.parent.name, []).append(path)
    last_s = 0 if cameras <= DECODE_ALL_CAMERAS else DECODE_S if cameras <= MANY else DECODE_MANY_S
    total = Found()
    compare = clip if codec == "h264" else None
    with ProcessPoolExecutor(
        os.cpu_count(), initializer=signal.signal, initargs=(signal.SIGTERM, signal.SIG_DFL)
    ) as pool:
        jobs = {slot: pool.submit(check_camera, paths, roots, compare, last_s) for slot, paths in by_slot.items()}
        for slot, job in jobs.items():
            try:
                total.add(job.result())
            except (SegmentBroken, OSError) as error:
                say(f"slot {slot}: {error}")
                total.errors += 1
    right = total.compared == total.pictures or compare is None
    whole = total.cameras == cameras and total.frames == total.expected > 0 and right
    whole = whole and not (total.errors or total.strange or total.jumps)
    decoded = "everything" if not last_s else f"the last {last_s} s of each camera"
    return {**asdict(total), "decoded": decoded, "whole": whole}
