"""Views, weather and planted faults for ``./dev bench inspection``: every picture is coded and decoded before it is
judged, all of it from seeds. Luma only: the inspection looks at nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from gwanje.media.inspect.figures import HEIGHT, WIDTH
from gwanje.media.sim import street

Luma = NDArray[np.uint8]
Rng = np.random.Generator
FAULTS = ("black", "white", "frozen", "covered", "blurred", "moved")
CODECS = ("libx264", "libx264", "mpeg4", "mjpeg")
FRAMES = 60
INSET = 0.78


@dataclass(frozen=True)
class View:
    """A fixed camera's pictures: whole frames, of which the camera shows the middle."""

    name: str
    frames: tuple[Luma, ...]

    def picture(self, number: int, box: tuple[float, float, float, float, float] = (0, 0, 1, 0, 0)) -> Image.Image:
        """The camera's picture; ``box``: shift across and down (shares), zoom, degrees, jitter px across."""
        across, down, zoom, degrees, jitter = box
        whole = Image.fromarray(self.frames[number % len(self.frames)])
        width, height = whole.size
        if degrees:
            whole = whole.rotate(degrees, Image.Resampling.BILINEAR, center=(width / 2, height / 2))
        w, h = width * INSET / zoom, height * INSET / zoom
        left = (width - w) / 2 + across * w + jitter
        top = (height - h) / 2 + down * h
        left, top = min(max(left, 0), width - w), min(max(top, 0), height - h)
        return whole.resize((WIDTH, HEIGHT), Image.Resampling.BOX, box=(left, top, left + w, top + h))


def streets(scenes: range) -> list[View]:
    """Views of the simulator's streets; each scene is a place of its own, and here there are more than in the demo."""
    street.SCENES = max(street.SCENES, scenes.stop)
    return [View(f"street {scene}", tuple(_street(scene))) for scene in scenes]


def _street(scene: int) -> list[Luma]:
    made = []
    for number, frame in enumerate(street.frames(scene, f"A-{scene:04d}", seconds=20)):
        if number % (20 * street.RATE // FRAMES) == 0:
            made.append(np.asarray(Image.fromarray(frame).convert("L").resize((854, 480), Image.Resampling.BOX)))
    return made


def clip(path: Path) -> View:
    """A view of a clip of a fixed camera: frames spread over its length."""
    with av.open(str(path)) as container:
        whole = [f.to_ndarray(format="gray") for f in container.decode(video=0)]
    return View(path.stem, tuple(whole[:: max(1, len(whole) // FRAMES)]))


@dataclass
class Weather:
    """What one look is taken under: all strengths are shares or luma."""

    light: float = 1.0
    lamps: bool = False
    infrared: bool = False
    noise: float = 1.2
    rain: float = 0.0
    fog: float = 0.0
    parked: float = 0.0
    drops: int = 0
    jitter: float = 0.0
    quality: int = 26
    codec: str = "libx264"
    sun: float = 0.0


class Days:
    """Weather of a camera, look after look, one a minute: days, clouds, rain, fog, parked lorries, coding."""

    def __init__(self, seed: int, start_minute: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.minute = start_minute
        self.weather = Weather()
        self._rain_left = self._fog_left = self._parked_left = 0
        self._cloud = 0.0
        self._base_quality = int(self.rng.integers(22, 33))
        self._codec = str(self.rng.choice(CODECS))

    def step(self) -> Weather:
        """The next minute."""
        rng, minute = self.rng, self.minute % 1440
        self.minute += 1
        sun = float(np.clip((np.sin((minute - 360) / 1440 * 2 * np.pi) + 0.12) / 0.4, 0, 1))
        self._cloud = float(np.clip(self._cloud + rng.normal(0, 0.04), -0.25, 0.25))
        light = 0.13 + 0.87 * sun * (1 + self._cloud)
        night = sun < 0.15
        self._rain_left = self._next(self._rain_left, 1 / 600, 40, 180)
        self._fog_left = self._next(self._fog_left, 1 / 2000, 60, 200)
        self._parked_left = self._next(self._parked_left, 1 / 300, 3, 30)
        old = self.weather
        raining, fog = self._rain_left > 0, self._fog_left > 0
        self.weather = Weather(
            light=light, lamps=night, infrared=night and sun == 0, noise=1.0 + 3.5 * (1 - sun) + float(rng.random()),
            rain=min(1.0, old.rain + 0.1) if raining else max(0.0, old.rain - 0.1),
            fog=min(0.5, old.fog + 0.01) if fog else max(0.0, old.fog - 0.01),
            parked=(old.parked or float(rng.uniform(0.1, 0.28))) if self._parked_left else 0.0,
            drops=int(rng.integers(2, 9)) if raining else 0, jitter=float(rng.normal(0, 0.8)),
            quality=int(np.clip(self._base_quality + rng.integers(-2, 3) + (3 if raining else 0), 20, 38)),
            codec=self._codec, sun=(minute - 720) / 720,
        )  # fmt: skip
        return self.weather

    def _next(self, left: int, chance: float, least: int, most: int) -> int:
        if left:
            return left - 1
        return int(self.rng.integers(least, most)) if self.rng.random() < chance else 0


def _lit(picture: NDArray[np.float32], weather: Weather) -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    slope = 1 + 0.15 * weather.sun * (columns / WIDTH - 0.5)
    field = np.full_like(picture, weather.light)
    if weather.lamps:
        for x, y, size in ((140, 220, 110), (430, 180, 90), (560, 300, 130)):
            field += 0.55 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * size * size))
    if weather.infrared:
        far = 1 - 0.5 * (((columns - WIDTH / 2) / WIDTH) ** 2 + ((rows - HEIGHT / 2) / HEIGHT) ** 2) * 2
        field = np.maximum(field, 0.45 * far)
        picture = 255 * (picture / 255) ** np.float32(0.8)
    return picture * field * slope


def shown(view: View, number: int, weather: Weather, rng: Rng, box: tuple[float, ...] = (0, 0, 1, 0)) -> Luma:
    """The optical picture before noise: light, fog, a parked lorry, rain."""
    across, down, zoom, degrees = box
    picture = np.asarray(view.picture(number, (across, down, zoom, degrees, weather.jitter)), dtype=np.float32)
    if weather.parked:
        width = int(WIDTH * weather.parked)
        picture = picture.copy()
        picture[110:330, 60 : 60 + width] = 150 + 40 * (np.arange(width) % 90 < 4)
    picture = _lit(picture, weather)
    picture = picture * (1 - weather.fog) + 170 * weather.light * weather.fog
    if weather.rain:
        picture = _rain(picture, weather, rng)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _rain(picture: NDArray[np.float32], weather: Weather, rng: Rng) -> NDArray[np.float32]:
    image = Image.new("L", (WIDTH, HEIGHT), 0)
    pen = ImageDraw.Draw(image)
    for _ in range(int(160 * weather.rain)):
        x, y, length = rng.integers(0, WIDTH), rng.integers(0, HEIGHT), rng.integers(6, 20)
        pen.line([int(x), int(y), int(x) - 3, int(y + length)], fill=int(rng.integers(20, 70)))
    made = picture * (1 - 0.15 * weather.rain) + np.asarray(image, dtype=np.float32) * max(0.3, weather.light)
    whole = Image.fromarray(np.clip(made, 0, 255).astype(np.uint8))
    soft = whole.filter(ImageFilter.GaussianBlur(6))
    mask = Image.new("L", whole.size, 0)
    pen = ImageDraw.Draw(mask)
    for _ in range(weather.drops):
        x, y, r = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT)), int(rng.integers(8, 30))
        pen.ellipse([x - r, y - r, x + r, y + r], fill=255)
    whole.paste(soft, (0, 0), mask)
    return np.asarray(whole, dtype=np.float32)


def sensed(picture: Luma, weather: Weather, rng: Rng) -> Luma:
    """Noise of the sensor."""
    grain = rng.standard_normal((HEIGHT, WIDTH), dtype=np.float32) * np.float32(weather.noise)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def coded(picture: Luma, weather: Weather) -> Luma:
    """One key frame coded and decoded again (H.264, MPEG-4 part 2 or JPEG, by the weather's codec and quality)."""
    encoder = av.CodecContext.create(weather.codec, "w")
    encoder.width, encoder.height = WIDTH, HEIGHT  # type: ignore[attr-defined]
    encoder.time_base = Fraction(1, 25)
    encoder.pix_fmt = "yuvj420p" if weather.codec == "mjpeg" else "yuv420p"  # type: ignore[attr-defined]
    if weather.codec == "libx264":
        encoder.options = {"preset": "ultrafast", "qp": str(weather.quality), "threads": "1", "tune": "zerolatency"}
    else:
        scale = str(max(2, round((weather.quality - 14) / 2)))
        encoder.options = {"qmin": scale, "qmax": scale, "threads": "1"}
    frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format=encoder.pix_fmt)  # type: ignore[attr-defined]
    frame.pts = 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]  # type: ignore[attr-defined]
    decoder = av.CodecContext.create("h264" if weather.codec == "libx264" else weather.codec, "r")
    frames = [f for p in packets for f in decoder.decode(p)] + list(decoder.decode(None))  # type: ignore[attr-defined]
    made: Luma = frames[0].reformat(WIDTH, HEIGHT, "gray").to_ndarray()
    return made


def look(view: View, number: int, weather: Weather, rng: Rng) -> Luma:
    """One look at a camera that is well."""
    return coded(sensed(shown(view, number, weather, rng), weather, rng), weather)


Planted = Callable[[int, Weather], Luma]


def plant(kind: str, view: View, others: list[View], seed: int) -> Planted:
    """A planted fault: gives the picture of each look, by the look's frame number and weather."""
    rng = np.random.default_rng(seed)
    return {"black": _black, "white": _white, "frozen": _frozen, "covered": _covered, "blurred": _blurred,
            "moved": _moved}[kind](view, others, rng)  # fmt: skip


def _black(view: View, others: list[View], rng: Rng) -> Planted:
    level = float(rng.uniform(0, 18))

    def picture(number: int, weather: Weather) -> Luma:
        plain = np.full((HEIGHT, WIDTH), level, np.uint8)
        return coded(sensed(plain, Weather(noise=min(weather.noise, 3.0)), rng), weather)

    return picture


def _white(view: View, others: list[View], rng: Rng) -> Planted:
    level = float(rng.uniform(222, 250))

    def picture(number: int, weather: Weather) -> Luma:
        seen = shown(view, number, weather, rng).astype(np.float32) * np.float32(0.12) + np.float32(level)
        return coded(sensed(np.clip(seen, 0, 255).astype(np.uint8), weather, rng), weather)

    return picture


def _frozen(view: View, others: list[View], rng: Rng) -> Planted:
    kept: list[Luma] = []

    def picture(number: int, weather: Weather) -> Luma:
        if not kept:
            kept.append(sensed(shown(view, number, weather, rng), weather, rng))
        made = kept[0].copy()
        # the device's own clock goes on over a picture that stands
        digits = rng.integers(0, 2, (12, 60)).astype(np.uint8) * 255
        made[8:20, 20:80] = digits
        return coded(made, weather)

    return picture


def _covered(view: View, others: list[View], rng: Rng) -> Planted:
    share = float(rng.uniform(0.7, 1.0))
    tone = float(rng.uniform(80, 210))
    waves = rng.normal(0, 1, (5, 8)).astype(np.float32)
    cloth = np.asarray(Image.fromarray(waves).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) * 9 + tone
    angle = float(rng.uniform(0, 2 * np.pi))
    rows, columns = np.mgrid[-0.5 : 0.5 : HEIGHT * 1j, -0.5 : 0.5 : WIDTH * 1j]
    along = columns * np.cos(angle) + rows * np.sin(angle)
    edge = np.quantile(along, share)
    mask = np.clip((edge - along) / 0.04 + 0.5, 0, 1).astype(np.float32)

    def picture(number: int, weather: Weather) -> Luma:
        seen = shown(view, number, weather, rng).astype(np.float32)
        made = seen * (1 - mask) + cloth * max(0.55, weather.light) * mask
        return coded(sensed(np.clip(made, 0, 255).astype(np.uint8), weather, rng), weather)

    return picture


def _blurred(view: View, others: list[View], rng: Rng) -> Planted:
    radius = float(rng.uniform(3, 8))

    def picture(number: int, weather: Weather) -> Luma:
        soft = Image.fromarray(shown(view, number, weather, rng)).filter(ImageFilter.GaussianBlur(radius))
        return coded(sensed(np.asarray(soft), weather, rng), weather)

    return picture


def _moved(view: View, others: list[View], rng: Rng) -> Planted:
    way = int(rng.integers(0, 4))
    box: tuple[float, ...] = (0, 0, 1, 0)
    seen = view
    if way == 0:
        side = 1 if rng.random() < 0.5 else -1
        box = (side * float(rng.uniform(0.05, 0.13)), float(rng.uniform(-0.1, 0.1)), 1, 0)
    elif way == 1:
        box = (0, 0, 1, (1 if rng.random() < 0.5 else -1) * float(rng.uniform(5, 20)))
    elif way == 2:
        box = (float(rng.uniform(-0.1, 0.1)), float(rng.uniform(-0.1, 0.1)), float(rng.uniform(1.15, 1.5)), 0)
    else:
        seen = others[int(rng.integers(0, len(others)))]

    def picture(number: int, weather: Weather) -> Luma:
        return coded(sensed(shown(seen, number, weather, rng, box), weather, rng), weather)

    return picture
