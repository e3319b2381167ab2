"""`./dev attack memory [--seconds N] [--images N] [--json FILE]`: the recorder's memory while it records, the player's
after a viewing: what do they open?

Root stops the recorder and reads all that it may write (it is not dumpable: nobody else can). Ground truth is the
keystore: every node, leaf and part key of this hour's cameras is known, and each of them is looked for at every byte
of each image. What is found is tried on the sealed parts: nothing recorded before the moment may open by it, whether
the recorder keeps it or it stands in a frame of vaultd's answer that nobody has overwritten (the spine as it was lent
would open what was recorded since). Of a viewing no part key may stay in the player. Plaintext that a picture has
passed through is counted and named. The control is vaultd's own memory: it opens all.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.attack import _watched
from tools.attack.opener import Loot, Part, below, parts_of
from tools.attack.search import Needles
from tools.attack.stage import HOUR, end_cleanly

REGION_MAX = 1 << 30
CUT = 24
# seconds that the recorder may still be about: the one that is sealed now, and parts on their way to the disk
NOW_S = 3
APART_S = 20
IN_FRAME = b"\x58\x20"


@dataclass(frozen=True)
class Key:
    """A key that exists: what it is, and which leaves of which hour it opens: [low, high), or one part's segment."""

    what: str
    class_: int
    epoch: int
    low: int
    high: int
    segment: bytes = b""


def image(pid: int) -> Iterator[bytes]:
    """Every readable and writable stretch of a process's memory, while it stands still."""
    regions = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        words = line.split()
        if words[1].startswith("rw") and "[vvar]" not in line:
            low, high = (int(word, 16) for word in words[0].split("-"))
            regions.append((low, min(high, low + REGION_MAX)))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for low, high in regions:
            memory.seek(low)
            try:
                data = memory.read(high - low)
            except OSError:
                continue
            yield data


def dump(pids: Iterable[int]) -> list[bytes]:
    """The images of processes, all stopped together."""
    pids = list(pids)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        return [data for pid in pids for data in image(pid)]
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for at in found:
        for task in Path(f"/proc/{at}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    return list(dict.fromkeys(found))


def truth(loot: Loot, parts: Iterable[Part], slots: Iterable[int]) -> dict[bytes, Key]:
    """Every key of the cameras' trees, and of every sealed part: key → what it is."""
    found: dict[bytes, Key] = {}
    roots = {(c, e): key for c, e, depth, _, key in loot.nodes() if depth == 0}
    for (class_, epoch), root in roots.items():
        for slot in slots:
            for depth in range(20):
                path = slot >> 20 - depth
                low = path << 32 - depth
                made = Key("upper node", class_, epoch, low, low + (1 << 32 - depth))
                found[below(root, path, depth)] = made
            level = [below(root, slot, 20)]
            for depth in range(20, 33):
                for at, key in enumerate(level):
                    low = (slot << 12) + (at << 32 - depth)
                    what = "leaf" if depth == 32 else "node"
                    found[key] = Key(what, class_, epoch, low, low + (1 << 32 - depth))
                if depth < 32:
                    level = [child for key in level for child in (below(key, 0, 1), below(key, 1, 1))]
    return found | part_keys(roots, parts)


def part_keys(roots: dict[tuple[int, int], bytes], parts: Iterable[Part]) -> dict[bytes, Key]:
    import hmac

    found: dict[bytes, Key] = {}
    for part in parts:
        class_, epoch, slot, tick = part.key
        if (class_, epoch) not in roots:
            continue
        low = slot << 12 | tick
        leaf = below(roots[class_, epoch], low, 32)
        material = hmac.digest(leaf, b"gwanje/v1/part\0" + part.segment, "sha512")
        found[material[:32]] = Key("part key", class_, epoch, low, low + 1, part.segment)
    return found


def found(memory: Iterable[bytes], needles: Iterable[bytes]) -> dict[bytes, bool]:
    """Keys and cuts that stand in the image, at whatever byte: needle → does it stand there as the recorder keeps it?

    False: only inside a frame of vaultd's answer (CBOR, 58 20 before it), which lay in freed memory or a read buffer.
    """
    known, seen = Needles(needles), dict[bytes, bool]()
    for data in memory:
        for start, needle in known.hits(data):
            seen[needle] = seen.get(needle, False) or data[max(0, start - 2) : start] != IN_FRAME
    return seen


def opened_by(found: Iterable[Key], parts: Iterable[Part]) -> set[int]:
    """Positions of the parts that these keys open."""
    ranges: dict[tuple[int, int], list[Key]] = {}
    for key in found:
        ranges.setdefault((key.class_, key.epoch), []).append(key)
    out = set()
    for position, part in enumerate(parts):
        leaf = part.key[2] << 12 | part.key[3]
        for key in ranges.get(part.key[:2], ()):
            if key.low <= leaf < key.high and key.segment in (b"", part.segment):
                out.add(position)
                break
    return out


def cuts(loot: Loot, parts: Iterable[Part]) -> dict[bytes, tuple[int, int]]:
    """Bytes out of the middle of every recorded picture → (slot, Unix second), to find its plaintext in an image."""
    from tools.attack.opener import opens

    roots = {(c, e): key for c, e, depth, _, key in loot.nodes() if depth == 0}
    found = {}
    for part in parts:
        class_, epoch, slot, tick = part.key
        if part.kind == 1 and (class_, epoch) in roots:
            plain = opens(below(roots[class_, epoch], slot << 12 | tick, 32), part)
            if plain is not None and len(set(plain[len(plain) // 2 :][:CUT])) > CUT // 3:
                found[plain[len(plain) // 2 :][:CUT]] = (slot, epoch * HOUR + tick)
    return found


def look(memory: list[bytes], loot: Loot, parts: list[Part], at: int) -> dict[str, Any]:
    """What an image taken at Unix second ``at`` opens of the parts, and what plaintext stands in it."""
    return judge(memory, truth(loot, parts, sorted({part.key[2] for part in parts})), cuts(loot, parts), parts, at)


def judge(
    memory: list[bytes], keys: dict[bytes, Key], seconds: dict[bytes, tuple[int, int]], parts: list[Part], at: int
) -> dict[str, Any]:
    """The same, when the keys and the cuts of plaintext that are looked for are known already."""
    seen = found(memory, [*keys, *seconds])
    held = [keys[key] for key, kept in seen.items() if kept and key in keys]
    stale = [keys[key] for key, kept in seen.items() if not kept and key in keys]
    past = [part for part in parts if part.key[1] * HOUR + part.key[3] < at - NOW_S]
    of_past = [key for key in held if key.epoch * HOUR + (key.low & 0xFFF) < at - NOW_S and key.high - key.low <= 4096]
    pictures = {second for cut, second in seconds.items() if cut in seen}
    ages = [at - second for _, second in pictures]
    return {
        "image_mb": round(sum(map(len, memory)) / 1e6, 1),
        "keys_known": len(keys),
        "keys_found": dict(sorted(_kinds(held).items())),
        "reaching_into_the_past": dict(sorted(_kinds(of_past).items())),
        "past_parts": len(past),
        "past_parts_opened": len(opened_by(held, past)),
        "stale_keys_in_frames": dict(sorted(_kinds(stale).items())),
        "past_parts_opened_by_stale": len(opened_by(stale, past)),
        "later_seconds_opened": sum(key.high - key.low for key in _widest(held)),
        "plaintext_seconds": len(pictures),
        "plaintext_age_max_s": max(ages, default=0),
    }


def look_at_player(watched: _watched.Watched, loot: Loot, parts: list[Part]) -> dict[str, Any]:
    """Which part keys of the seconds shown stand in the player's memory, in the middle of the viewing and after it."""
    roots = {(c, e): key for c, e, depth, _, key in loot.nodes() if depth == 0}
    mine = [part for part in parts if watched.first <= part.key[1] * HOUR + part.key[3] < watched.until]
    keys, seconds = part_keys(roots, mine), cuts(loot, mine)
    after = found(watched.after, [*keys, *seconds])
    return {
        "player_image_mb": round(sum(map(len, watched.after)) / 1e6, 1),
        "player_seconds_shown": watched.shown,
        "player_part_keys_known": len(keys),
        "player_part_keys_during": sum(key in keys for key in found(watched.during, keys)),
        "player_part_keys_after": sum(key in keys for key in after),
        "player_plaintext_seconds_after": len({seconds[cut] for cut in after if cut in seconds}),
        "player_control_found": len(found(_watched.planted(next(iter(keys))), keys)) if keys else 0,
    }


def _kinds(keys: Iterable[Key]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for key in keys:
        counts[key.what] = counts.get(key.what, 0) + 1
    return counts


def _widest(keys: Iterable[Key]) -> list[Key]:
    """Nodes that lie below no other of them."""
    out: list[Key] = []
    for key in sorted((k for k in keys if not k.segment), key=lambda k: (k.class_, k.epoch, k.low, -k.high)):
        last = out[-1] if out else None
        same = last is not None and (last.class_, last.epoch) == (key.class_, key.epoch)
        if last is None or not same or key.low >= last.high:
            out.append(key)
    return out


@dataclass
class Taken:
    """What the thief and the control carried off: images of the recorder with the Unix second of each, the last one
    with vaultd's own; what lies on the disk then; a viewing.
    """

    recorder: list[tuple[int, list[bytes]]]
    vaultd: list[bytes]
    loot: Loot
    parts: list[Part]
    watched: _watched.Watched

    def figures(self) -> dict[str, Any]:
        """What each image of the recorder opens; of vaultd's, as the control, how much of the past; the player."""
        keys = truth(self.loot, self.parts, sorted({part.key[2] for part in self.parts}))
        seconds = cuts(self.loot, self.parts)
        said = [judge(memory, keys, seconds, self.parts, at) for at, memory in self.recorder]
        control = judge(self.vaultd, keys, seconds, self.parts, self.recorder[-1][0])
        opened = {"control_past_parts_opened": control["past_parts_opened"]}
        return {"images": said} | opened | look_at_player(self.watched, self.loot, self.parts)


def take(centre: Any, seconds: int, images: int) -> Taken:
    """Images of a running centre's recorder and of vaultd, the keystore as ground truth, sealed parts, a viewing."""
    recorder: list[tuple[int, list[bytes]]] = []
    time.sleep(seconds)
    watched = _watched.watch(centre, lambda: dump([centre.pid("player")]))
    for number in range(images):
        time.sleep(APART_S if number else 0)
        at = centre.home.clock.now_s()
        recorder.append((at, dump(family(centre.pid("recorder")))))
    vaultd = dump([centre.pid("vaultd")])
    loot = Loot()
    loot.take(centre.home.vault)
    parts = [part for path in sorted(centre.home.store.rglob("*.gws")) for part in parts_of(path)]
    return Taken(recorder, vaultd, loot, parts, watched)


def held_true(f: dict[str, Any]) -> bool:
    """Nothing of the past opens, nothing of a viewing stays, and vaultd's own memory, asked the same way, opens all."""
    last = f["images"][-1]
    teeth = f["control_past_parts_opened"] == last["past_parts"] > 0
    teeth = teeth and last["plaintext_seconds"] > 0 and f["player_control_found"] == 1
    shown = f["player_seconds_shown"] > 0 and f["player_part_keys_known"] >= f["player_seconds_shown"]
    opened = sum(one["past_parts_opened"] + one["past_parts_opened_by_stale"] for one in f["images"])
    return opened == 0 and f["player_part_keys_after"] == 0 and teeth and shown


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when anything of the past opens or the control does not."""
    parser = argparse.ArgumentParser(prog="./dev attack memory")
    parser.add_argument("--seconds", type=int, default=120, help="how long it records first")
    parser.add_argument("--images", type=int, default=2, help=f"images of the recorder, {APART_S} s apart")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    if os.getuid() != 0:
        sys.stdout.write("only root reads the memory of a process that is not dumpable; nothing was tried\n")
        return 2
    end_cleanly()
    from story.centre import running

    with tempfile.TemporaryDirectory(prefix="gwanje-memory-") as folder, running(Path(folder) / "centre") as centre:
        taken = take(centre, given.seconds, given.images)
    # the centre has ended: what follows is arithmetic
    figures = taken.figures()
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")
    return 0 if held_true(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
