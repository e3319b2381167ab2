"""Canonical bytes: RFC 8949 vectors, properties, and everything that must be refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gwanje.kernel.canonical import NotCanonical, decode, encode, nfc

# RFC 8949 appendix A
VECTORS: list[tuple[Any, str]] = [
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (1000, "1903e8"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"),
    (-1000, "3903e7"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"\x01\x02\x03\x04", "4401020304"),
    ("ü", "62c3bc"),
    ("水", "63e6b0b4"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
]


@pytest.mark.parametrize(("value", "wire"), VECTORS)
def test_vectors_of_the_rfc(value: Any, wire: str) -> None:
    assert encode(value).hex() == wire
    assert decode(bytes.fromhex(wire)) == value


def test_map_keys_in_bytewise_order() -> None:
    # section 4.2.1: 10, 100, -1, "z", "aa" (length-first order, RFC 7049, would put -1 before 100)
    assert encode({"aa": 1, "z": 2, -1: 3, 100: 4, 10: 5}).hex() == "a50a051864042003617a0262616101"


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20).map(nfc)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8).map(nfc), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_is_encoded_decodes_to_itself(value: Any) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=60))
def test_no_bytes_decode_unless_canonical(data: bytes) -> None:
    try:
        value = decode(data)
    except NotCanonical:
        return
    assert encode(value) == data


@pytest.mark.parametrize(
    "wire",
    [
        "1800",  # 0 in two bytes
        "fb3ff0000000000000",  # a float
        "c000",  # a tag
        "5f4101ff",  # indefinite length
        "a2616201616101",  # keys out of order
        "a2616101616101",  # the same key twice
        "6365cc81",  # text cut short
        "0000",  # bytes after the value
        "9bffffffffffffffff",  # 2^64 items announced
        "81" * 40 + "00",  # nested too deeply
        "",
    ],
)
def test_refused_bytes(wire: str) -> None:
    with pytest.raises(NotCanonical):
        decode(bytes.fromhex(wire))


@pytest.mark.parametrize("value", [1.5, "e\u0301", {1, 2}, object(), 2**64, {"a": {"b": 1.0}}])
def test_refused_values(value: Any) -> None:
    with pytest.raises(NotCanonical):
        encode(value)
