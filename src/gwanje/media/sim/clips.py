"""Clips of simulated cameras (모의 영상 자료): made once, in parallel, kept by the hash of what they show."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from gwanje.media.sim import counter, encode, street
from gwanje.media.sim.signing import Identity

FILES_MAX = 64
FILE_BYTES_MAX = 2 << 30
SECONDS_MIN, SECONDS_MAX = 20, 120
WIDTH_MIN, WIDTH_MAX = 640, 1280
HEIGHT_MAX = 1080
RATE_MAX = 30
RATE_WITHOUT_TIMING = Fraction(25)
SUFFIXES = frozenset(
    [
        ".mp4",
        ".avi",
        ".mkv",
        ".mov",
        ".webm",
        ".m4v",
        ".ts",
        ".mpg",
        ".mpeg",
        ".flv",
        ".wmv",
        ".h264",
        ".264",
        ".h265",
        ".265",
        ".hevc",
        ".mjpeg",
        ".mjpg",
    ]
)
_RAW = frozenset([".h264", ".264", ".h265", ".265", ".hevc", ".mjpeg", ".mjpg"])
_VERSION = 2  # grows when the encoding changes

Progress = Callable[[int, int, str], None]
Work = tuple[Callable[..., None], tuple[Any, ...], str]


class BadClip(ValueError):
    """A file holds no video that can be read; the message says why in Korean and English."""


@dataclass(frozen=True)
class Clip:
    """One simulated camera: its name in the URL, its label, the MP4 files of both streams, and what it does besides.

    ``audio``: also offers a PCMU track (a tone). ``user``: asks for Digest authentication when not empty. ``signer``:
    signs its main stream picture by picture (ONVIF Media Signing; H.264 and H.265).
    """

    name: str
    label: str
    main: Path
    sub: Path
    audio: bool = False
    user: str = ""
    password: str = ""
    signer: Identity | None = None


def _silent(done: int, total: int, what: str) -> None:
    """No progress wanted."""


def _sweep(cache: Path) -> None:
    """Remove what a killed process left half made; the name says whose it was."""
    for part in cache.glob(".*.tmp.mp4"):
        pid = part.name.split(".")[-3]
        if not (pid.isdigit() and Path(f"/proc/{pid}").exists()):
            part.unlink(missing_ok=True)


def _run(work: Sequence[Work], progress: Progress) -> None:
    # threads, not processes: encoder and scaler release the interpreter lock, and nothing is left behind on Ctrl-C
    done = 0
    progress(0, len(work), "")
    with ThreadPoolExecutor(min(len(work), os.cpu_count() or 1)) as pool:
        labels: dict[Future[None], str] = {pool.submit(f, *args): label for f, args, label in work}
        try:
            for future in as_completed(labels):
                future.result()
                done += 1
                progress(done, len(work), labels[future])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _make_street(main: Path, sub: Path, scene: int, label: str, seconds: int, codec: str) -> None:  # noqa: PLR0917
    street.make_pair(main, sub, scene, label, seconds, codec)


def _also(codec: str) -> str:
    return "" if codec == "H264" else f" {codec}"


def _names(cache: Path, key: str) -> tuple[Path, Path]:
    mark = hashlib.sha256(key.encode()).hexdigest()[:24]
    return cache / f"{mark}-main.mp4", cache / f"{mark}-sub.mp4"


def streets(
    cache: Path,
    labels: Sequence[str],
    *,
    seconds: int = street.SECONDS,
    audio_camera: int = 0,
    progress: Progress = _silent,
    codec: str = "H264",
) -> list[Clip]:
    """One synthetic street per label (12 at most), named cam01, cam02, …; made now unless the cache has them.

    ``audio_camera``: index of the camera that also sends audio, or -1 for none.
    """
    if len(labels) > street.SCENES:
        raise ValueError(f"there are {street.SCENES} scenes, not {len(labels)}")
    cache.mkdir(parents=True, exist_ok=True)
    _sweep(cache)
    made: list[Clip] = []
    work: list[Work] = []
    for index, label in enumerate(labels):
        key = f"street {street.VERSION} {_VERSION} {index} {seconds} {label}"
        main, sub = _names(cache, key + _also(codec))
        if not (main.exists() and sub.exists()):
            work.append((_make_street, (main, sub, index, label, seconds, codec), label))
        made.append(Clip(f"cam{index + 1:02d}", label, main, sub, audio=index == audio_camera))
    if work:
        _run(work, progress)
    return made


def files(source: Path) -> list[Path]:
    """The media files of a folder, by name; BadClip when there are none or too many."""
    found = sorted(p for p in source.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES)
    if not found or len(found) > FILES_MAX:
        raise BadClip(
            f"{source}: 영상 파일이 {len(found)}개입니다. 1개에서 {FILES_MAX}개까지 둘 수 있습니다. "
            f"/ {len(found)} video files; 1 to {FILES_MAX} are possible."
        )
    return found


def folder(source: Path, cache: Path, *, progress: Progress = _silent, codec: str = "H264") -> list[Clip]:
    """Every media file of ``source`` as a camera: transcoded once, counter burnt in, looped, audio dropped.

    Raises BadClip when the folder holds no media file, too many, or one that cannot be read.
    """
    found = files(source)
    cache.mkdir(parents=True, exist_ok=True)
    _sweep(cache)
    made: list[Clip] = []
    work: list[Work] = []
    for index, file in enumerate(found):
        if file.stat().st_size > FILE_BYTES_MAX:
            raise BadClip(f"{file.name}: 2 GiB보다 큽니다. / larger than 2 GiB.")
        with file.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        main, sub = _names(cache, f"clip {_VERSION} {digest} {file.suffix.lower()}" + _also(codec))
        if not (main.exists() and sub.exists()):
            work.append((transcode, (file, main, sub, codec), file.name))
        made.append(Clip(f"cam{index + 1:02d}", file.stem, main, sub))
    if work:
        _run(work, progress)
    return made


def _even(value: float, step: int = 2) -> int:
    return max(step, round(value / step) * step)


def forms(width: int, height: int, rate: Fraction) -> tuple[encode.Form, encode.Form]:
    """Main and sub-stream for a source: even sizes, 640 to 1280 px wide (1080 px high at most), 30 fps at most."""
    while rate > RATE_MAX:
        rate /= 2
    rate = max(rate, Fraction(5)).limit_denominator(1001)
    scale = max(1.0, WIDTH_MIN / width)
    scale = min(scale, WIDTH_MAX / width, HEIGHT_MAX / height)
    wide, high = _even(width * scale), _even(height * scale)
    shrink = min(1.0, max(320, min(640, wide // 2)) / wide)
    small = encode.Form(_even(wide * shrink), _even(high * shrink), rate, 400)
    return encode.Form(wide, high, rate, 1500), small


def _decoded(file: Path) -> Iterator[tuple[float, VideoFrame]]:
    """(seconds from the first frame, picture) of a file's video; frames without timing come at 25 a second."""
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        first: float | None = None
        for number, frame in enumerate(container.decode(stream)):
            if file.suffix.lower() in _RAW or frame.time is None:
                yield float(number / RATE_WITHOUT_TIMING), frame
                continue
            first = frame.time if first is None else first
            yield frame.time - first, frame


def _probe(file: Path) -> tuple[encode.Form, encode.Form]:
    try:
        with av.open(str(file)) as container:
            if not container.streams.video:
                raise BadClip(f"{file.name}: 영상 트랙이 없습니다. / has no video track.")
            stream = container.streams.video[0]
            raw = file.suffix.lower() in _RAW
            rate = RATE_WITHOUT_TIMING if raw or not stream.average_rate else stream.average_rate
            frame = next(container.decode(stream), None)
    except (av.FFmpegError, OSError) as error:
        raise BadClip(f"{file.name}: 읽을 수 없는 영상입니다. / cannot be read ({error}).") from error
    if frame is None:
        raise BadClip(f"{file.name}: 화면이 하나도 없습니다. / holds no picture.")
    return forms(frame.width, frame.height, Fraction(rate))


def _resampled(file: Path, form: encode.Form) -> Iterator[VideoFrame]:
    """The pictures shown at each 1/rate of one run through the file."""
    shown = 0
    last: VideoFrame | None = None
    step = float(1 / form.rate)
    end = 0.0
    for at, frame in _decoded(file):
        while last is not None and shown * step < at - step / 100:
            yield last
            shown += 1
        end, last = at, frame
    if last is None:
        raise BadClip(f"{file.name}: 화면이 하나도 없습니다. / holds no picture.")
    # the last picture stands for one frame, so that a loop has no pause
    while shown * step < end + step / 2:
        yield last
        shown += 1


def _looped(file: Path, form: encode.Form) -> Iterator[NDArray[np.uint8]]:
    number = 0
    least, most = round(SECONDS_MIN * form.rate), round(SECONDS_MAX * form.rate)
    while number < least:
        for frame in _resampled(file, form):
            rgb = frame.reformat(form.width, form.height, "rgb24", interpolation="BICUBIC").to_ndarray()
            picture: NDArray[np.uint8] = np.ascontiguousarray(rgb, dtype=np.uint8)
            counter.draw(picture, number)
            yield picture
            number += 1
            if number >= most:
                return


def transcode(file: Path, main: Path, sub: Path, codec: str = "H264") -> None:
    """Transcode any readable video file to both streams, counter burnt in; BadClip when it cannot be read."""
    # RTP says the size of a JPEG picture in eighths
    step = 8 if codec == "JPEG" else 2
    big, small = (
        replace(form, codec=codec, width=_even(form.width, step), height=_even(form.height, step))
        for form in _probe(file)
    )
    try:
        encode.write(_looped(file, big), [(main, big), (sub, small)])
    except av.FFmpegError as error:
        raise BadClip(f"{file.name}: 읽을 수 없는 영상입니다. / cannot be read ({error}).") from error
