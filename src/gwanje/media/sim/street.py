"""Synthetic streets (모의 거리 영상): twelve scenes with walking figures and cars, drawn by the project itself.

No person is shown: every figure is a drawing. The loop is seamless, and every frame carries its counter twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from gwanje.media.sim import counter, encode

SCENES = 12
WIDTH, HEIGHT, RATE = 1280, 720, 15
SECONDS = 30
MAIN = encode.Form(WIDTH, HEIGHT, Fraction(RATE), 1500)
SUB = encode.Form(640, 360, Fraction(RATE), 400)
POSES = 8
VERSION = 1  # grows when a scene looks different, so that cached clips are made anew

Sprite = NDArray[np.uint8]  # height, width, RGBA


@dataclass(frozen=True)
class Light:
    """Time of day: colours (RGB) of sky and ground, and a factor on everything that moves."""

    sky: tuple[int, int, int]
    ground: tuple[int, int, int]
    walls: tuple[int, int, int]
    factor: float
    lamps: bool


DAY = Light((168, 190, 210), (118, 118, 116), (150, 140, 128), 1.0, False)
DUSK = Light((186, 128, 108), (84, 80, 88), (104, 92, 96), 0.75, False)
NIGHT = Light((22, 26, 40), (44, 46, 52), (52, 52, 62), 0.5, True)
LIGHTS = (DAY, DAY, DUSK, NIGHT)


@dataclass(frozen=True)
class Mover:
    """A figure or car: its poses, its line (y at the left and right edge), laps per loop, start (0..1), direction."""

    poses: tuple[Sprite, ...]
    y_left: float
    y_right: float
    laps: int
    start: float
    forward: bool

    def place(self, phase: float) -> tuple[int, int, Sprite]:
        """Left, top and picture at ``phase`` (0..1 of the loop)."""
        sprite = self.poses[int(phase * self.laps * 18 * len(self.poses)) % len(self.poses)]
        span = WIDTH + 2 * sprite.shape[1]
        along = (self.start + phase * self.laps) % 1.0
        along = along if self.forward else 1.0 - along
        x = along * span - sprite.shape[1]
        y = self.y_left + (self.y_right - self.y_left) * along
        return int(x), int(y) - sprite.shape[0], sprite


def _shade(colour: tuple[int, int, int], factor: float) -> tuple[int, int, int]:
    red, green, blue = (min(255, int(c * factor)) for c in colour)
    return red, green, blue


def _figure(rng: np.random.Generator, height: int, factor: float) -> tuple[Sprite, ...]:
    coat = _shade(tuple(int(c) for c in rng.integers(40, 220, 3)), factor)  # type: ignore[arg-type]
    legs = _shade(tuple(int(c) for c in rng.integers(20, 110, 3)), factor)  # type: ignore[arg-type]
    skin = _shade((214, 176, 150), factor)
    width = int(height * 0.5)
    poses = []
    for pose in range(POSES):
        image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        pen = ImageDraw.Draw(image)
        middle, swing = width / 2, math.sin(2 * math.pi * pose / POSES)
        hip, stroke = height * 0.55, max(3, height // 12)
        for side in (1, -1):
            pen.line([middle, hip, middle + side * swing * height * 0.22, height - 2], fill=(*legs, 255), width=stroke)
            hand = middle - side * swing * height * 0.14
            pen.line([middle, height * 0.27, hand, height * 0.52], fill=(*coat, 255), width=max(2, stroke - 2))
        body = [middle - height * 0.1, height * 0.2, middle + height * 0.1, hip + 3]
        pen.rounded_rectangle(body, height * 0.05, fill=(*coat, 255))
        head = height * 0.085
        pen.ellipse([middle - head, 1, middle + head, 1 + 2 * head], fill=(*skin, 255))
        poses.append(np.asarray(image))
    return tuple(poses)


def _car(rng: np.random.Generator, length: int, light: Light, forward: bool) -> tuple[Sprite, ...]:
    paint = _shade(tuple(int(c) for c in rng.integers(50, 235, 3)), light.factor)  # type: ignore[arg-type]
    height = int(length * 0.4)
    image = Image.new("RGBA", (length, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle([0, height * 0.42, length - 1, height * 0.85], height * 0.12, fill=(*paint, 255))
    roof = [(length * 0.2, height * 0.45), (length * 0.32, 2), (length * 0.68, 2), (length * 0.82, height * 0.45)]
    pen.polygon(roof, fill=(*paint, 255))
    glass = [
        (length * 0.26, height * 0.43),
        (length * 0.35, height * 0.1),
        (length * 0.65, height * 0.1),
        (length * 0.75, height * 0.43),
    ]
    pen.polygon(glass, fill=(*_shade((70, 86, 100), light.factor), 255))
    for wheel in (0.22, 0.78):
        at, radius = length * wheel, height * 0.19
        pen.ellipse([at - radius, height - 2 * radius - 1, at + radius, height - 1], fill=(18, 18, 20, 255))
    lamp = (255, 244, 190) if light.lamps else _shade((240, 236, 220), light.factor)
    pen.rectangle([length - 8, height * 0.5, length - 2, height * 0.62], fill=(*lamp, 255))
    pen.rectangle([1, height * 0.5, 7, height * 0.62], fill=(190, 30, 30, 255))
    sprite = np.asarray(image)
    return (sprite if forward else np.ascontiguousarray(sprite[:, ::-1]),)


def _texture(rng: np.random.Generator) -> NDArray[np.float32]:
    out = np.zeros((HEIGHT, WIDTH), np.float32)
    for size, strength in ((6, 3.0), (24, 5.0), (120, 9.0)):
        grid = rng.normal(0, 1, (HEIGHT // size + 2, WIDTH // size + 2)).astype(np.float32)
        image = Image.fromarray(grid).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        out += np.asarray(image, dtype=np.float32) * strength
    return out


def _windows(pen: ImageDraw.ImageDraw, rng: np.random.Generator, light: Light, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    for x in range(left + 14, right - 30, 42):
        for y in range(top + 16, bottom - 40, 50):
            lit = light.lamps and rng.random() < 0.4
            colour = (226, 196, 120) if lit else _shade((88, 104, 118), light.factor)
            pen.rectangle([x, y, x + 22, y + 28], fill=colour)


def _background(rng: np.random.Generator, light: Light, horizon: int, slope: int) -> NDArray[np.uint8]:
    image = Image.new("RGB", (WIDTH, HEIGHT), light.sky)
    pen = ImageDraw.Draw(image)
    ground = [(0, horizon), (WIDTH, horizon + slope), (WIDTH, HEIGHT), (0, HEIGHT)]
    left = -40
    while left < WIDTH:
        width = int(rng.integers(130, 330))
        top = int(rng.integers(30, horizon - 90))
        wall = _shade(light.walls, float(rng.uniform(0.7, 1.25)))
        box = (left, top, left + width, horizon + max(0, slope))
        pen.rectangle(box, fill=wall)
        _windows(pen, rng, light, box)
        left += width + int(rng.integers(0, 60))
    pen.polygon(ground, fill=light.ground)
    road = horizon + slope // 2 + 90
    pen.polygon([(0, road), (WIDTH, road + slope // 3), (WIDTH, road + 170), (0, road + 170)], fill=(56, 57, 60))
    for x in range(0, WIDTH, 120):
        pen.rectangle([x, road + 82, x + 64, road + 88], fill=_shade((210, 206, 190), light.factor))
    for stripe in range(6):
        x = int(rng.integers(200, 900)) if stripe == 0 else x + 34
        pen.polygon(
            [(x, road + 8), (x + 18, road + 8), (x + 8, road + 162), (x - 10, road + 162)], fill=(176, 176, 170)
        )
    if light.lamps:
        _lamps(image, horizon)
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), dtype=np.float32)
    pixels = pixels + _texture(rng)[:, :, None] * light.factor
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _lamps(image: Image.Image, horizon: int) -> None:
    glow = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(glow)
    for x in (180, 620, 1060):
        pen.polygon([(x, horizon - 120), (x - 150, HEIGHT), (x + 150, HEIGHT)], fill=46)
        pen.ellipse([x - 10, horizon - 130, x + 10, horizon - 110], fill=250)
    warm = Image.new("RGB", image.size, (255, 226, 160))
    image.paste(warm, (0, 0), glow.filter(ImageFilter.GaussianBlur(9)))


def caption(picture: NDArray[np.uint8], label: str) -> None:
    """Write what a camera writes over its picture: its name, and that this is no camera."""
    ascii_label = label.encode("ascii", "replace").decode()
    font = ImageFont.load_default(30)
    image = Image.fromarray(picture[:60])
    pen = ImageDraw.Draw(image)
    text = f"{ascii_label}  SIMULATED"
    box = pen.textbbox((24, 12), text, font=font)
    pen.rectangle([box[0] - 8, box[1] - 6, box[2] + 8, box[3] + 6], fill=(0, 0, 0))
    pen.text((24, 12), text, font=font, fill=(255, 255, 255))
    picture[:60] = np.asarray(image)


def _movers(rng: np.random.Generator, light: Light, ground: int, loops: float) -> list[Mover]:
    out = []
    road = ground + 90
    for index in range(int(rng.integers(4, 8))):
        near = index % 2 == 1
        height = int(rng.integers(120, 150)) if near else int(rng.integers(74, 96))
        base = road + 250 if near else road - 6
        laps = max(1, round(loops * (2.4 if near else 1.8) * float(rng.uniform(0.8, 1.3))))
        poses = _figure(rng, height, light.factor)
        out.append(
            Mover(poses, base, base + float(rng.uniform(-14, 14)), laps, float(rng.random()), rng.random() < 0.5)
        )
    for lane in range(int(rng.integers(1, 3))):
        forward = lane % 2 == 0
        base = road + (150 if forward else 78)
        laps = max(1, round(loops * float(rng.uniform(4, 7))))
        car = _car(rng, int(rng.integers(190, 250)), light, forward)
        out.append(Mover(car, base, base, laps, float(rng.random()), forward))
    return sorted(out, key=lambda mover: mover.y_left)


def _paste(picture: NDArray[np.uint8], x: int, y: int, sprite: Sprite) -> None:
    left, top = max(0, x), max(0, y)
    right, bottom = min(WIDTH, x + sprite.shape[1]), min(HEIGHT, y + sprite.shape[0])
    if right <= left or bottom <= top:
        return
    piece = sprite[top - y : bottom - y, left - x : right - x]
    target = picture[top:bottom, left:right]
    np.copyto(target, piece[:, :, :3], where=piece[:, :, 3:] > 127)


class Scene:
    """One street (0..11): ``still`` without anybody, (720, 1280, 3) RGB, and everybody who moves in ``seconds``."""

    def __init__(self, scene: int, seconds: int = SECONDS) -> None:
        if not 0 <= scene < SCENES:
            raise ValueError(f"scenes are 0 to {SCENES - 1}, not {scene}")
        rng = np.random.default_rng(1000 + scene)
        light = LIGHTS[scene % len(LIGHTS)]
        horizon, slope = int(rng.integers(230, 300)), int(rng.integers(-50, 50))
        self.still = _background(rng, light, horizon, slope)
        self._movers = _movers(rng, light, horizon + slope // 2, seconds / 60)
        self.total = seconds * RATE

    def paint(self, picture: NDArray[np.uint8], number: int) -> None:
        """Draw the street of frame ``number`` of the loop into ``picture``."""
        np.copyto(picture, self.still)
        for mover in self._movers:
            _paste(picture, *mover.place(number / self.total))


def frames(scene: int, label: str, seconds: int = SECONDS) -> Iterator[NDArray[np.uint8]]:
    """RGB frames (720, 1280, 3) of one loop of a scene (0..11); the array is reused for every frame."""
    street = Scene(scene, seconds)
    caption(street.still, label)
    picture = np.empty_like(street.still)
    for number in range(street.total):
        street.paint(picture, number)
        counter.draw(picture, number)
        yield picture


def make(path: Path, seconds: int = 20, *, scene: int = 0, label: str = "A-0000", sub: bool = False) -> Path:
    """Encode one stream of a scene to ``path`` (MP4, H.264): 1280x720 at 15 fps, or the sub-stream 640x360."""
    encode.write(frames(scene, label, seconds), [(path, SUB if sub else MAIN)])
    return path


def make_pair(main: Path, sub: Path, scene: int, label: str, seconds: int = SECONDS, codec: str = "H264") -> int:  # noqa: PLR0917
    """Encode main and sub-stream of a scene at once; returns frames per loop."""
    forms = (replace(form, codec=codec) for form in (MAIN, SUB))
    return encode.write(frames(scene, label, seconds), zip((main, sub), forms, strict=True))
