"""The camera's own signature (ONVIF Media Signing): what is valid, and that no change of a picture or message is."""

from __future__ import annotations

import itertools

import pytest
import signed_rig as rig
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gwanje.media.signed.chain import Chain
from gwanje.media.sim.signing import Identity, Options, Signer
from gwanje.vault import camera_keys as keys
from gwanje.vault import nals

BOTH = pytest.mark.parametrize("codec", ["H264", "H265"])
WHOLE = [("valid", 0, 50, ""), ("open", 50, 60, "end")]


@BOTH
@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(listed=False),
        Options(prevented=True),
        Options(version=1),
        Options(once=True),
        Options(once=True, listed=False, prevented=True),
        Options(late=3),
        Options(late=3, listed=False),
        Options(repeat=2),
        Options(late=12),
    ],
    ids=str,
)
def test_what_a_camera_signed_is_valid_up_to_the_last_group(codec: str, options: Options) -> None:
    got = rig.spans(rig.signed(codec, options=options), codec)
    # a message that comes late says nothing of a group whose message lies behind the end
    last = 40 if options.late > rig.GROUP else 50
    assert got == [("valid", 0, last, ""), ("open", last, 60, "end")]


@BOTH
@pytest.mark.parametrize("listed", [True, False])
def test_partial_groups_and_several_groups_a_signature(codec: str, listed: bool) -> None:
    partial = rig.spans(rig.signed(codec, options=Options(partial=4, listed=listed)), codec)
    assert partial[0] == ("valid", 0, 58, "")
    late = rig.spans(rig.signed(codec, options=Options(partial=4, listed=listed, late=2)), codec)
    assert late[0] == ("valid", 0, 54, "")
    for delay in (0, 1):
        several = rig.spans(rig.signed(codec, options=Options(every=2, listed=listed, late=delay)), codec)
        assert several[0] == ("valid", 0, 40, ""), delay
        assert {state for state, *_ in several} == {"valid", "open"}


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_other_hashes_are_reckoned_once_a_message_named_them(algorithm: str) -> None:
    for late in (0, 3):
        got = rig.spans(rig.signed(options=Options(algorithm=algorithm, late=late)))
        assert {state for state, *_ in got} <= {"valid", "open"}
        assert ("valid", 0 if algorithm == "sha256" else 20 if late else 10, 50, "") in got
    once = rig.spans(rig.signed(options=Options(algorithm=algorithm, once=True)))
    assert once == WHOLE


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: rsa.generate_private_key(65537, 2048),
    ],
)
def test_keys_of_other_kinds(make) -> None:
    who = Identity.new("other", make())
    signer = Signer(nals.H264, who)
    units = [signer.unit(unit, rig.BEGAN_US + n * rig.STEP_US) for n, unit in enumerate(rig.unsigned())]
    chain = Chain(nals.H264, [keys.read(who.certificate)])
    for at, nal in rig.stamped(units):
        if kind := nals.kind_of(nal, nals.H264):
            chain.unit(kind, at, nal)
    assert [span.state for span in chain.end(rig.BEGAN_US + 60 * rig.STEP_US)] == ["valid", "open"]


def test_a_clip_cut_out_of_the_middle_is_valid_where_its_messages_lie_in_it() -> None:
    units = rig.signed()
    assert rig.spans(units[20:]) == [("valid", 0, 30, ""), ("open", 30, 40, "end")]
    # cut within a group: its pictures hang on a key frame that is not there
    assert rig.spans(units[25:]) == [("open", 0, 5, "start"), ("valid", 5, 25, ""), ("open", 25, 35, "end")]
    late = rig.signed(options=Options(late=3))
    assert rig.spans(late[20:])[0] == ("valid", 0, 30, "")


@BOTH
@pytest.mark.parametrize("listed", [True, False])
def test_one_bit_of_any_picture_breaks_its_group_and_no_other(codec: str, listed: bool) -> None:
    for at, late in itertools.product((0, 10, 13, 19, 23, 49), (0, 3)):
        units = rig.signed(codec, options=Options(listed=listed, late=late))
        place = rig.pictures(units[at], codec)[0]
        nal = bytearray(units[at][place])
        nal[len(nal) // 2] ^= 1
        units[at][place] = bytes(nal)
        group = at // 10 * 10
        got = rig.spans(units, codec)
        valid = [(first, until) for state, first, until, _ in got if state == "valid"]
        broken = [(first, until) for state, first, until, _ in got if state == "broken"]
        assert broken, (at, got)
        assert all(group <= first and until <= group + 10 for first, until in broken), (at, got)
        assert broken[0][0] == (at if listed and at % 10 else group), (at, late, got)
        assert all(until <= group or first >= group + 10 or (listed and until <= at) for first, until in valid)
        assert sum(until - first for first, until in valid) >= 40


@BOTH
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("late", [0, 3])
def test_a_picture_dropped_added_or_moved(codec: str, listed: bool, late: int) -> None:
    def fresh() -> rig.Units:
        return rig.signed(codec, options=Options(listed=listed, late=late))

    def take(units: rig.Units, at: int) -> None:
        del units[at][rig.pictures(units[at], codec)[0]]

    def twice(units: rig.Units) -> None:
        units[24] = [*units[24], *[units[24][i] for i in rig.pictures(units[24], codec)]]

    def move(units: rig.Units) -> None:
        units[23], units[24] = units[24], units[23]

    for change in (lambda u: take(u, 24), lambda u: take(u, 20), lambda u: take(u, 29), twice, move):
        units = fresh()
        change(units)
        got = rig.spans(units, codec)
        broken = [(first, until) for state, first, until, _ in got if state == "broken"]
        assert broken, got
        assert all(first >= 20 and until <= 31 for first, until in broken), got
        assert got[0] == ("valid", 0, broken[0][0], "")
        assert ("valid", broken[-1][1], 50, "") in got
    units = fresh()
    take(units, 24)
    if listed:
        assert ("lost") in {why for *_, why in rig.spans(units, codec)}


@BOTH
@pytest.mark.parametrize("listed", [True, False])
def test_groups_that_changed_places_or_are_gone(codec: str, listed: bool) -> None:
    units = rig.signed(codec, options=Options(listed=listed))
    swapped = units[:20] + units[30:40] + units[20:30] + units[40:]
    got = rig.spans(swapped, codec)
    assert "broken" in {state for state, *_ in got}
    assert got[0][:2] == ("valid", 0)
    # its message comes with the next group: what was cut is missed
    cut = units[:20] + units[30:]
    got = rig.spans(cut, codec)
    assert "broken" in {state for state, *_ in got}
    assert got[0][0] == "valid"
    assert got[0][2] <= 20
    only_pictures = [list(unit) for unit in units]
    for n in range(10):
        a, b = 20 + n, 30 + n
        i, j = rig.pictures(units[a], codec)[0], rig.pictures(units[b], codec)[0]
        only_pictures[a][i], only_pictures[b][j] = units[b][j], units[a][i]
    got = rig.spans(only_pictures, codec)
    assert sum(until - first for state, first, until, _ in got if state == "valid") <= 30


@BOTH
@pytest.mark.parametrize("listed", [True, False])
def test_a_message_that_is_gone_breaks_the_seconds_that_it_covered(codec: str, listed: bool) -> None:
    units = rig.signed(codec, options=Options(listed=listed))
    (place,) = rig.messages(units[30], codec)
    del units[30][place]
    got = rig.spans(units, codec)
    assert got == [
        ("valid", 0, 20, ""), ("broken", 20, 30, "missing"), ("valid", 30, 50, ""), ("open", 50, 60, "end"),
    ]  # fmt: skip
    for unit in units[20:]:
        for at in reversed(rig.messages(unit, codec)):
            del unit[at]
    assert rig.spans(units, codec)[1:] == [("open", 10, 60, "end")]
    longer = rig.signed(codec, 90, Options(listed=listed))
    for unit in longer[20:]:
        for at in reversed(rig.messages(unit, codec)):
            del unit[at]
    assert rig.spans(longer, codec) == [("valid", 0, 10, ""), ("broken", 10, 90, "missing")]


def test_an_unsigned_stream_is_none_and_a_foreign_message_changes_nothing() -> None:
    plain = rig.unsigned()
    assert rig.spans(plain) == [("none", 0, 60, "")]
    plain[7].insert(0, b"\x06\x05\x14" + b"another-vendors-sei." + b"\x80")
    assert rig.spans(plain) == [("none", 0, 60, "")]


def test_only_a_recorded_key_makes_valid() -> None:
    units = rig.signed()
    # the stream's certificate alone, another camera's key, none at all: whole, but by whom nobody here knows
    for who in ((), ("other",)):
        assert rig.spans(units, who=who) == [("unknown", 0, 50, "key"), ("open", 50, 60, "end")]
    chain = rig.judged(units, who=())
    assert {span.key for span in chain.end(0) if span.state == "unknown"} == {rig.key().id}
    # whoever changes pictures and signs with a key of his own gains nothing
    forged = rig.signed(who="thief")
    assert {state for state, *_ in rig.spans(forged)} == {"unknown", "open"}
    # without a certificate in the stream and without a recorded key nothing can be said
    bare = rig.signed(options=Options(once=True))
    assert rig.messages(bare[0]) == [0]
    del bare[0][0]
    assert rig.spans(bare, who=())[0] == ("unknown", 0, 50, "key")
    assert rig.spans(bare)[0] == ("valid", 0, 50, "")


def test_a_signature_under_another_certificate_than_the_streams_is_broken() -> None:
    # a thief's signature beneath the camera's certificate
    stolen = rig.signed(who=Identity(rig.identity("thief").key, rig.identity().certificate))
    assert rig.spans(stolen) == [("broken", 0, 50, "signature"), ("open", 50, 60, "end")]
    mine = rig.signed()
    (a,) = rig.messages(mine[30])
    flipped = bytearray(rig.signed()[30][a])
    flipped[-20] ^= 4
    mine[30][a] = bytes(flipped)
    assert ("broken", 20, 30, "signature") in rig.spans(mine)


def test_a_camera_that_got_a_new_key_is_valid_under_both() -> None:
    first, second = Signer(1, rig.identity("old")), Signer(1, rig.identity("new"))
    units = rig.unsigned(count=60)
    out = [first.unit(unit, rig.BEGAN_US + n * rig.STEP_US) for n, unit in enumerate(units[:30])]
    second.counter = first.counter
    out += [second.unit(unit, rig.BEGAN_US + (30 + n) * rig.STEP_US) for n, unit in enumerate(units[30:])]
    both = rig.judged(out, who=("old", "new")).end(rig.BEGAN_US + 60 * rig.STEP_US)
    assert [span.key for span in both if span.state == "valid"] == [rig.key("old").id, rig.key("new").id]
    only = rig.spans(out, who=("old",))
    assert only[0] == ("valid", 0, 20, "")
    assert ("unknown", 30, 50, "key") in only


def test_start_codes_and_lengths_give_the_same_units() -> None:
    units = rig.signed(count=30)
    by_code = b"".join(b"\0\0\0\1" + nal + b"\0" * (n % 3) for n, (_, nal) in enumerate(rig.stamped(units)))
    by_length = b"".join(len(nal).to_bytes(4, "big") + nal for _, nal in rig.stamped(units))
    one, two = list(nals.started(by_code)), list(nals.lengths(memoryview(by_length)))
    assert one == two == [nal for _, nal in rig.stamped(units)]
    assert {state for state, *_ in rig.spans([[bytes(nal)] for nal in one])} == {"valid", "open"}
    # a container that puts zeros behind a unit (seen with H.265 in MP4) changes nothing that is hashed
    padded = b"".join((len(nal) + 1).to_bytes(4, "big") + nal + b"\0" for _, nal in rig.stamped(units))
    assert list(nals.lengths(memoryview(padded))) == one


def test_a_picture_of_a_kind_that_is_not_counted_is_never_called_valid() -> None:
    units = rig.signed("H265")
    units[24].append(b"\x04\x02" + bytes(40) + b"\x01")
    got = rig.spans(units, "H265")
    assert ("open", 20, 30, "outside") in got
    assert ("valid", 0, 20, "") in got


def test_the_cameras_clock_is_told() -> None:
    chain = rig.judged(rig.signed())
    chain.end(0)
    assert chain.clock_s == (0, 0)
    old = [(at + 86_400_000_000, nal) for at, nal in rig.stamped(rig.signed())]
    replayed = rig.judged(old)
    replayed.end(0)
    assert replayed.clock_s == (-86_400, -86_400)
