"""Reading a pack's YAML strictly (규칙 묶음 읽기): every key is known, every fault names file, place and remedy."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

FILE_BYTES_MAX = 2_000_000


class PackError(ValueError):
    """A pack that does not load (규칙 묶음 오류): file, place, what is wrong in both languages."""

    def __init__(self, place: str, ko: str, en: str) -> None:
        self.place, self.ko, self.en = place, ko, en
        super().__init__(f"{place}: {en} ({ko})")


class _Strict(yaml.SafeLoader):
    """SafeLoader that refuses a key that stands twice (PyYAML silently keeps the last one).

    Only ``true`` and ``false`` are booleans, as in YAML 1.2: in a pack, ``on`` and ``no`` are words.
    """

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:bool"]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Strict.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key, _ in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            continue
        name = loader.construct_object(key)
        if name in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} stands twice", key.start_mark)
        seen.add(name)
    return loader.construct_mapping(node, deep=True)


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(file: Path) -> Any:
    """The file's content; PackError when it is absent, too big or no YAML."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise PackError(
            str(file), f"읽을 수 없습니다: {error.strerror}", f"cannot be read: {error.strerror}"
        ) from error
    if len(raw) > FILE_BYTES_MAX:
        raise PackError(str(file), f"{FILE_BYTES_MAX}바이트를 넘습니다", f"is larger than {FILE_BYTES_MAX} bytes")
    try:
        # the loader is a SafeLoader that refuses more, never less
        return yaml.load(unicodedata.normalize("NFC", raw.decode("utf-8")), _Strict)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PackError(str(file), f"YAML 형식이 아닙니다: {error}", f"is no YAML: {error}") from error


class Row:
    """One mapping of a pack file, read key by key; ``done`` refuses what nobody asked for."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise PackError(place, "항목: 값 형식이어야 합니다", "must be a mapping")
        self.value, self.place = value, place
        self.read: set[str] = set()

    def fail(self, key: str, ko: str, en: str) -> PackError:
        """A PackError at this key."""
        return PackError(f"{self.place}, {key}", ko, en)

    def get(self, key: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        """The value of ``key``; PackError when it is missing (no default given) or of another type."""
        self.read.add(key)
        found = self.value.get(key)
        if found is None:
            if default is ...:
                raise self.fail(key, "반드시 있어야 합니다", "is missing")
            return default
        # bool is an int in Python and not in a law
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is int):
            raise self.fail(key, f"형식이 다릅니다: {found!r}", f"has another type: {found!r}")
        return found

    def text(self, key: str, default: Any = ...) -> str:
        """Text, trimmed, not empty unless it is the default."""
        found = self.get(key, str, default)
        if isinstance(found, str) and default is ... and not found.strip():
            raise self.fail(key, "비어 있습니다", "is empty")
        return found.strip() if isinstance(found, str) else found

    def day(self, key: str, default: Any = ...) -> date | None:
        """A date without time."""
        found: date | None = self.get(key, date, default)
        if type(found) not in (date, type(None)):
            raise self.fail(key, "시각 없는 날짜여야 합니다", "must be a date without time")
        return found

    def since(self, key: str) -> date:
        """A first day in force, which must be there."""
        found = self.day(key)
        if found is None:
            raise self.fail(key, "시행일이 있어야 합니다", "a first day in force is missing")
        return found

    def texts(self, key: str, default: Any = ...) -> tuple[str, ...]:
        """A list of texts."""
        found = self.get(key, list, default)
        if not all(isinstance(item, str) for item in found):
            raise self.fail(key, "글자 목록이어야 합니다", "must be a list of texts")
        return tuple(found)

    def done(self) -> None:
        """PackError when a key stands there that the schema does not know."""
        unknown = sorted(set(map(str, self.value)) - self.read)
        if unknown:
            raise self.fail(", ".join(unknown), "알 수 없는 항목입니다", "is not known to the schema")


def rows(value: Any, place: str, known: str = "") -> list[Row]:
    """A list of mappings; each place is named by its ``known`` key or its number."""
    if not isinstance(value, list):
        raise PackError(place, "목록이어야 합니다", "must be a list")
    out = []
    for number, item in enumerate(value, 1):
        name = item.get(known, number) if isinstance(item, Mapping) and known else number
        out.append(Row(item, f"{place}, {name}"))
    return out


def text_hash(text: str) -> str:
    """SHA-256 over the text in NFC without any white space: line breaks of a print are no change of the law."""
    bare = "".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(bare.encode()).hexdigest()
