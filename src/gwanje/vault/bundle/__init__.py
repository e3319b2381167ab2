"""Evidence bundle (증거 묶음): a clip, the sealed parts it came from, and what a stranger needs to check both offline.

``age`` locks, ``container`` holds sealed parts with their keys, ``clip`` makes ordinary MP4, ``manifest`` is what
vaultd signs, ``archive`` is the ZIP. The two verifiers (``gwanje_verify``, ``frontend/verify``) share no line of it.
"""
