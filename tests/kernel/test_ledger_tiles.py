"""Tiles, notes and cosignatures against C2SP's own examples and against the RFC's formula written down again."""

import base64
import hashlib
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.kernel.ledger import cosign, note, tiles, tree
from gwanje.kernel.ledger.cosign import VKey
from gwanje.kernel.ledger.note import BadNote, Checkpoint
from gwanje.kernel.ledger.tiles import BadTile, Tile, TileTree

EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def mth(leaves):
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def some(count, seed=7):
    rng = random.Random(seed)
    return [rng.randbytes(57) for _ in range(count)]


def files_of(leaves, sizes):
    """Every file that a log writes which publishes at these sizes."""
    nodes, written, old = tree.nodes_of(leaves), {}, 0
    for size in sizes:
        for tile in tiles.changed(old, size):
            first = tile.index * 256
            if tile.level is None:
                written[tile.path] = tiles.bundle(leaves[first : first + tile.width])
            else:
                step = 8 * tile.level
                written[tile.path] = b"".join(nodes(step, first + i) for i in range(tile.width))
        old = size
    return written


def fetch_from(files):
    def fetch(path):
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    return fetch


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067"), (10**9, "x001/x000/x000/000")],
)
def test_an_index_is_encoded_as_the_specification_says(index, path):
    assert tiles.encode_index(index) == path
    assert Tile(0, index).path == f"tile/0/{path}"
    assert Tile(None, index, 5).path == f"tile/entries/{path}.p/5"
    assert tiles.PATH.fullmatch(Tile(63, index, 255).path)


@pytest.mark.parametrize(
    "path",
    ["tile/64/000", "tile/00/000", "tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/x001",
     "tile/0/../../checkpoint", "tile/0/000/", "checkpoint/", "tile//000", "tile/-1/000", "tile/0/٠٠٠"],
)  # fmt: skip
def test_what_is_no_tile_has_no_path(path):
    assert tiles.PATH.fullmatch(path) is None


def test_a_tree_of_seventy_thousand_has_the_tiles_of_the_specification():
    found = list(tiles.changed(0, 70_000))
    widths = {}
    for tile in found:
        widths.setdefault(tile.level, []).append(tile.width)
    assert widths[0] == widths[None] == [256] * 273 + [112]
    assert widths[1] == [256, 17]
    assert widths[2] == [1]
    assert 3 not in widths
    assert [(t.level, t.index, t.width) for t in tiles.changed(0, 256) if t.level is not None] == [
        (0, 0, 256),
        (1, 0, 1),
    ]


def test_every_byte_of_every_tile_is_the_formulas():
    leaves = some(700)
    files = files_of(leaves, [700])
    for tile in tiles.changed(0, 700):
        if tile.level is None:
            wanted = b"".join(b"\0\x39" + leaf for leaf in leaves[tile.index * 256 :][: tile.width])
        else:
            span = 256**tile.level
            start = tile.index * 256 * span
            wanted = b"".join(mth(leaves[start + i * span : start + (i + 1) * span]) for i in range(tile.width))
        assert files[tile.path] == wanted, tile
    assert len(files["tile/0/000"]) == 8192
    assert TileTree(fetch_from(files), 700).root() == mth(leaves)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=5, unique=True), st.data())
def test_proofs_from_tiles_alone_are_the_trees(sizes, data):
    sizes, leaves = sorted(sizes), some(900)
    files = files_of(leaves, sizes)
    nodes, newest = tree.nodes_of(leaves), sizes[-1]
    seen = TileTree(fetch_from(files), newest)
    assert seen.root() == tree.root(nodes, newest)
    for old in sizes:
        # a size that was published stays computable from its own partial tiles
        assert TileTree(fetch_from(files), old).root() == tree.root(nodes, old)
        proof = tree.consistency(seen.node, old, newest)
        assert proof == tree.consistency(nodes, old, newest)
        assert tree.verify_consistency(old, tree.root(nodes, old), newest, seen.root(), proof)
    index = data.draw(st.integers(0, newest - 1))
    assert tree.inclusion(seen.node, index, newest) == tree.inclusion(nodes, index, newest)
    assert seen.entries(index // 256)[index % 256] == leaves[index]


def test_a_deleted_partial_tile_is_read_from_the_full_one():
    leaves = some(600)
    files = files_of(leaves, [100, 600])
    del files["tile/0/000.p/100"]
    del files["tile/entries/000.p/100"]
    early = TileTree(fetch_from(files), 100)
    assert early.root() == mth(leaves[:100])
    assert early.entries(0) == leaves[:100]


def test_a_changed_missing_or_cut_tile_is_seen():
    leaves = some(520)
    files, root = files_of(leaves, [520]), mth(leaves)

    def seen(**change):
        return TileTree(fetch_from({**files, **{k.replace("_", "/"): v for k, v in change.items()}}), 520)

    tile, entries = files["tile/0/000"], files["tile/entries/000"]
    flipped = bytes([tile[0] ^ 1]) + tile[1:]
    altered = TileTree(fetch_from({**files, "tile/0/000": flipped}), 520)
    with pytest.raises(BadTile):
        altered.check_tile(0, 0)
    with pytest.raises(BadTile):
        altered.entries(0)
    seen().check_tile(0, 0)
    for spoilt in (entries[:-1], entries + b"\0", b"", entries[:59], bytes(2) + entries):
        with pytest.raises(BadTile):
            TileTree(fetch_from({**files, "tile/entries/000": spoilt}), 520).entries(0)
    part = files["tile/0/002.p/8"]
    wrong = TileTree(fetch_from({**files, "tile/0/002.p/8": part[::-1]}), 520)
    assert wrong.root() != root
    for spoilt in (part[:-1], part[:-32], part + bytes(32)):
        with pytest.raises(BadTile):
            TileTree(fetch_from({**files, "tile/0/002.p/8": spoilt}), 520).root()
    del files["tile/1/000.p/2"]
    with pytest.raises(BadTile):
        seen().root()


def test_the_worlds_note_vector():
    # golang.org/x/mod/sumdb/note, the example of its documentation
    vkey = VKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert (vkey.name, vkey.kind, vkey.key_id.hex()) == ("PeterNeumann", 1, "c74f20a3")
    skey = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
    key = Ed25519PrivateKey.from_private_bytes(skey[1:])
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    assert base64.b64encode(note.key_hash("PeterNeumann", vkey.public) + key.sign(text.encode())).decode() == (
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )


def test_the_key_ids_of_known_witnesses():
    # transparency-dev/formats, its test of verifier keys
    remora = VKey.parse("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")
    assert (remora.kind, str(remora).split("+")[1]) == (4, "da77ade7")
    assert str(VKey.parse(str(remora))) == str(remora)
    for bad in (
        "bananas.sigstore.dev+12344556",
        "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
        "rekor.sigstore.dev+12345678+AwEB",
        "remora.n621.de+00000000+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "a b+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    ):
        with pytest.raises(BadNote):
            VKey.parse(bad)


def test_the_example_checkpoint_is_read():
    said, text, signatures = note.parse(EXAMPLE)
    assert (said.origin, said.size) == ("example.com/behind-the-sofa", 20852163)
    assert text == EXAMPLE.partition("\n\n")[0] + "\n"
    name, _, blob = signatures[1]
    assert name == "witness.example.com/w1"
    assert int.from_bytes(blob[:8], "big") == 1679315147


def test_a_cosignature_is_made_of_these_bytes_and_no_others():
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    log_key = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
    signed = note.sign(Checkpoint("gwanje/x", 5, bytes(32)), log_key)
    _, text, _ = note.parse(signed)
    line = cosign.cosign(text, key, "witness.example/w1", 1679315147)
    public = key.public_key().public_bytes_raw()
    blob = base64.b64decode(line.removeprefix("— witness.example/w1 "))
    assert blob[:4] == hashlib.sha256(b"witness.example/w1\n\x04" + public).digest()[:4]
    assert blob[4:12] == (1679315147).to_bytes(8, "big")
    key.public_key().verify(blob[12:], b"cosignature/v1\ntime 1679315147\n" + text.encode())
    vkey, both = cosign.witness_key("witness.example/w1", key), cosign.with_lines(signed, [line])
    assert cosign.cosigned_at(both, vkey) == 1679315147
    assert cosign.lines_of(both, vkey) == [line]
    assert cosign.cosigned_at(signed, vkey) is None
    assert note.verify(both, log_key.public_key().public_bytes_raw()).size == 5
    other = note.sign(Checkpoint("gwanje/x", 6, bytes(32)), log_key)
    with pytest.raises(BadNote):
        cosign.cosigned_at(cosign.with_lines(other, [line]), vkey)


def test_extension_lines_are_cosigned_too():
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    text = "gwanje/x\n5\n" + base64.b64encode(bytes(32)).decode() + "\nmore\n"
    vkey = cosign.witness_key("w", key)
    signed = text + "\n" + cosign.cosign(text, key, "w", 9)
    assert cosign.cosigned_at(signed, vkey) == 9
    with pytest.raises(BadNote):
        cosign.cosigned_at(signed.replace("more", "less"), vkey)


def test_a_request_is_the_specifications():
    proof = [bytes([n]) * 32 for n in range(3)]
    body = cosign.request(20852014, proof, EXAMPLE)
    lines = body.decode().split("\n")
    assert lines[0] == "old 20852014"
    assert lines[4] == ""
    assert cosign.parse_request(body) == (20852014, proof, EXAMPLE)
    assert cosign.parse_request(cosign.request(0, [], EXAMPLE))[:2] == (0, [])
    for bad in (
        b"", b"old 1\n" + EXAMPLE.encode(), b"old 01\n\n" + EXAMPLE.encode(), b"old -1\n\n" + EXAMPLE.encode(),
        b"new 1\n\n" + EXAMPLE.encode(), b"old 1\nAAAA\n\n" + EXAMPLE.encode(), b"old 1\n!!\n\n" + EXAMPLE.encode(),
        "old ٣\n\n".encode() + EXAMPLE.encode(), cosign.request(1, [bytes(32)] * 64, EXAMPLE), b"old 1\n\n\xff",
        cosign.request(1, [], EXAMPLE) + b"x" * cosign.REQUEST_MAX,
    ):  # fmt: skip
        with pytest.raises(BadNote):
            cosign.parse_request(bad)
