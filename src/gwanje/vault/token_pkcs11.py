"""Generation keys in a PKCS#11 token (보안토큰): the HMAC is made inside, the key never leaves, its death is searched.

PKCS#11 v2.40: CKM_GENERIC_SECRET_KEY_GEN, CKM_SHA256_HMAC; label ``gwanje-<centre>-<replica>-<generation>``.
Level L1 for every module: what no program can see (clones, backups, the medium) no program certifies.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from gwanje.vault.errors import VaultError
from gwanje.vault.token import RECORD_MAX, message

PIN_MAX: Final = 255
OBJECTS_MAX: Final = 10_000
GENERATION_MAX: Final = 1 << 63
TEMPLATE: Final = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
}
KEPT: Final = (Attribute.ALWAYS_SENSITIVE, Attribute.NEVER_EXTRACTABLE, Attribute.LOCAL, Attribute.PRIVATE)
_Answer = TypeVar("_Answer")
# the session or the login has gone, the token may still be there: worth one more try
_LOST: Final = (
    pkcs11.SessionHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.UserNotLoggedIn,
    pkcs11.DeviceRemoved,
    pkcs11.DeviceError,
    pkcs11.TokenNotPresent,
    pkcs11.ObjectHandleInvalid,
    pkcs11.KeyHandleInvalid,
)
_PIN: Final = (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinExpired, pkcs11.PinInvalid, pkcs11.PinLenRange)


@dataclass(frozen=True)
class Place:
    """Where the keys are: module (.so), token label, file of the PIN (mode 0600), centre, replica number."""

    module: str
    label: str
    pin_file: Path
    centre: UUID
    replica: int = 0


class PKCS11Token:
    """Generation keys as non-extractable objects of one token; thread-safe. Fulfils ``token.Token``.

    VaultError ``token_away`` (module, slot or session gone), ``token_pin``, ``token_weak`` (the token made a key that
    could be taken out), ``generation_gone``.
    """

    level = "L1"

    def __init__(self, place: Place) -> None:
        self.place = place
        self._prefix = f"gwanje-{place.centre}-{place.replica}-"
        self._lock = threading.RLock()
        self._session: pkcs11.Session | None = None
        self._refused = False

    # --- session --------------------------------------------------------------------------------------------------

    def _pin(self) -> str:
        path = self.place.pin_file
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise VaultError("token_pin", f"{path.name}: {error.strerror}") from error
        try:
            if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
                raise VaultError("token_pin", f"{path.name}: others may read it")
            return os.read(handle, PIN_MAX).decode().strip()
        finally:
            os.close(handle)

    def _open(self) -> pkcs11.Session:
        if self._refused:
            # a token locks itself after a few wrong PINs: it is asked with a wrong one only once
            raise VaultError("token_pin", "refused before")
        try:
            found = pkcs11.lib(self.place.module).get_token(token_label=self.place.label)
        except (pkcs11.PKCS11Error, OSError, RuntimeError) as error:
            raise VaultError("token_away", type(error).__name__) from error
        try:
            try:
                return found.open(rw=True, user_pin=self._pin())
            except pkcs11.UserAlreadyLoggedIn:
                # the login belongs to the process, not to the session
                return found.open(rw=True)
        except _PIN as error:
            self._refused = True
            raise VaultError("token_pin", type(error).__name__) from error
        except pkcs11.PKCS11Error as error:
            raise VaultError("token_away", type(error).__name__) from error

    def _within(self, act: Callable[[pkcs11.Session], _Answer]) -> _Answer:
        """Do it in the session; a session that was lost is opened anew, once."""
        with self._lock:
            for attempt in (0, 1):
                if self._session is None:
                    self._session = self._open()
                try:
                    return act(self._session)
                except pkcs11.PKCS11Error as error:
                    self.close()
                    if attempt or not isinstance(error, _LOST):
                        raise VaultError("token_away", type(error).__name__) from error
            raise AssertionError("unreachable")

    def close(self) -> None:
        """Leave the session; the next call opens another."""
        with self._lock:
            session, self._session = self._session, None
            if session is not None:
                try:
                    session.close()
                except pkcs11.PKCS11Error:
                    return

    # --- keys -----------------------------------------------------------------------------------------------------

    def _named(self, session: pkcs11.Session, generation: int) -> list[Any]:
        wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: f"{self._prefix}{generation}"}
        return list(session.get_objects(wanted))

    def create(self, generation: int) -> None:
        """Make a generation's key inside the token; FileExistsError when it stands already."""
        if not 0 < generation < GENERATION_MAX:
            raise VaultError("limit", f"generation {generation}")
        self._within(lambda session: self._create(session, generation))

    def _create(self, session: pkcs11.Session, generation: int) -> None:
        if self._named(session, generation):
            raise FileExistsError(f"generation {generation}")
        key = session.generate_key(
            KeyType.GENERIC_SECRET,
            256,
            store=True,
            label=f"{self._prefix}{generation}",
            capabilities=pkcs11.MechanismFlag.SIGN,
            mechanism=Mechanism.GENERIC_SECRET_KEY_GEN,
            template=TEMPLATE,
        )
        # asked of the token itself: a module may take a template and not keep to it
        kept = key.get_attributes(list(KEPT))
        if len(kept) != len(KEPT) or not all(kept.values()):
            key.destroy()
            raise VaultError("token_weak", f"generation {generation}")

    def derive(self, generation: int, replica: int, salt: bytes) -> bytes:
        """The body key of a generation, made inside the token; VaultError ``generation_gone`` without the key."""

        def inside(session: pkcs11.Session) -> bytes:
            keys = self._named(session, generation)
            if len(keys) != 1:
                raise VaultError("generation_gone", f"generation {generation}: {len(keys)} keys")
            made: bytes = keys[0].sign(message(generation, replica, salt), mechanism=Mechanism.SHA256_HMAC)
            return made

        return self._within(inside)

    def destroy(self, generation: int) -> None:
        """C_DestroyObject, then prove absent in a new session; nothing happens when it is absent already."""

        def inside(session: pkcs11.Session) -> int:
            keys = self._named(session, generation)
            for key in keys:
                key.destroy()
            return len(keys)

        if not self._within(inside):
            return
        # objects that one session has cached say nothing about the token
        self.close()
        if self.present(generation):
            raise VaultError("generation_present", f"generation {generation}")

    def present(self, generation: int) -> bool:
        """Does the token find a key of this name?"""
        return self._within(lambda session: bool(self._named(session, generation)))

    def generations(self) -> list[int]:
        """Every generation of this centre and replica that the token's objects name, oldest first."""

        def inside(session: pkcs11.Session) -> list[int]:
            found: set[int] = set()
            for count, key in enumerate(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})):
                if count >= OBJECTS_MAX:
                    raise VaultError("limit", f"{OBJECTS_MAX} objects in the token")
                label = str(key[Attribute.LABEL])
                number = label.removeprefix(self._prefix)
                if label.startswith(self._prefix) and number.isascii() and number.isdecimal():
                    found.add(int(number))
            return sorted(found)

        return self._within(inside)

    # --- the record -----------------------------------------------------------------------------------------------

    def _records(self, session: pkcs11.Session) -> list[Any]:
        wanted = {Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: f"{self._prefix}head"}
        return list(session.get_objects(wanted))

    def remember(self, record: bytes) -> None:
        """A private data object of the token; the one before goes when the new one stands."""
        if len(record) > RECORD_MAX:
            raise VaultError("limit", f"{len(record)} bytes")
        template = {
            Attribute.CLASS: ObjectClass.DATA, Attribute.TOKEN: True, Attribute.PRIVATE: True,
            Attribute.LABEL: f"{self._prefix}head", Attribute.VALUE: record,
        }  # fmt: skip

        def inside(session: pkcs11.Session) -> None:
            before = self._records(session)
            session.create_object(template)
            for old in before:
                old.destroy()

        self._within(inside)

    def recalled(self) -> list[bytes]:
        """Every record that stands: one, or two after a crash."""
        return self._within(lambda session: [bytes(found[Attribute.VALUE]) for found in self._records(session)])
