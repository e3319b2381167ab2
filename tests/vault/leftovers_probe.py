"""A process that was lent keys by another one and looks for them in its own memory; prints JSON.

The lender makes the keys and tells them masked: this process knows them by the socket only. It is a process of its own,
so that a search reads some 60 MB, whatever the tests beside it have loaded.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys

from memory_rig import masked, standing

from gwanje.kernel import inbox, secret
from gwanje.vault import chain, client_answers, parts, tree
from gwanje.vault.ciphers import AES_256_GCM, ARIA_256_GCM

FIRST, STEPS, SEGMENT = 1000, 150, b"s" * 32
LENDER = r"""
import os, socket, sys
from gwanje.kernel import wire
from gwanje.vault import parts, tree
first, steps, segment = int(sys.argv[2]), int(sys.argv[3]), b"s" * 32
def mask(key): return bytes(byte ^ 0x5A for byte in key).hex()
root = os.urandom(32)
slot = tree.slot_node(root, 5)
nodes = tree.spine(root, 5, first)
line = socket.socket(fileno=int(sys.argv[1]))
wire.send(line, {"ok": True, "first": first, "nodes": [[height, key] for height, key in nodes]})
for tick in range(first, first + steps):
    leaf = tree.leaf_below(slot, tick)
    # every node on the way to a leaf that was used is one that opens the past
    way = [tree._descend(slot, tick >> 12 - depth, depth) for depth in range(13)]
    print(mask(parts.okm(leaf, segment)[:32]), *map(mask, way))
print(*(mask(key) for _, key in nodes))
"""


def lent() -> tuple[tree.Spine, set[bytes], set[bytes]]:
    """A spine, received and read as the clients do it; masked: all that opens the first seconds, its nodes."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", LENDER, str(theirs.fileno()), str(FIRST), str(STEPS)]
    done = subprocess.run(command, pass_fds=[theirs.fileno()], capture_output=True, text=True, check=True, timeout=300)
    theirs.close()
    *ticks, nodes = [[bytes.fromhex(word) for word in line.split()] for line in done.stdout.splitlines()]
    box = inbox.Inbox()
    while not box.filled(ours.recv_into(box.room())):
        pass
    answer = client_answers.lent(7)(box.frame())
    box.clear()
    ours.close()
    spine = answer.spine()
    answer.wipe()
    return spine, {key for tick in ticks for key in tick} | set(nodes), set(nodes)


def recorded(cipher: int) -> dict[str, int]:
    """Some minutes recorded: what stands of the past, and of what lies ahead (which must be found: the control)."""
    spine, past, _ = lent()
    out = memoryview(bytearray(2000))
    for tick in range(FIRST, FIRST + STEPS):
        key = parts.PartKey.of(spine.at(tick), SEGMENT, cipher)
        parts.seal_into(out, key, SEGMENT, parts.VIDEO, 0, tick, tick, tick, 1, os.urandom(1000))
    ahead = {masked(node) for _, node in spine._stack}
    spine.leave(spine.tick)
    del key
    gc.collect()
    seen = standing(past | ahead)
    return {"known": len(past), "past": len(seen - ahead), "ahead": len(ahead), "ahead_found": len(seen & ahead)}


def unwiped() -> int:
    """The control: how many of the lent nodes stand when nothing is overwritten."""
    wipe, secret.wipe = secret.wipe, lambda *_: None
    try:
        spine, _, nodes = lent()
        spine.at(FIRST + 20)
        return len(standing(nodes))
    finally:
        secret.wipe = wipe


def answered() -> dict[str, int]:
    """Sealed answers from afar: how many of the keys that opened them stand afterwards."""
    used: list[bytes] = []
    cipher = chain.AESGCM

    def noted(key: bytes) -> chain.AESGCM:
        used.append(masked(key))
        return cipher(key)

    chain.AESGCM = noted
    ours, theirs = chain.Offer(), chain.Offer()
    vaultd, recorder = ours.chain(theirs.public, b"said"), theirs.chain(ours.public, b"said")
    for number in range(20):
        assert bytes(recorder.open(memoryview(vaultd.seal(b"answer %d" % number)))) == b"answer %d" % number
    chain.AESGCM = cipher
    gc.collect()
    return {"used": len(set(used)), "standing": len(standing(used))}


if __name__ == "__main__":
    said = {"aes": recorded(AES_256_GCM), "aria": recorded(ARIA_256_GCM), "chain": answered(), "unwiped": unwiped()}
    print(json.dumps(said))
