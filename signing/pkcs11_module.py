"""A PKCS#11 library in this process: who is signed in to which token, and what its errors mean in words.

The library is called by one thread at a time, as it is initialised without locks of its own. A sign-in holds for the whole
process, so the PIN that opened a token is remembered as a keyed hash: another PIN signs out first and has to be right itself.
"""

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pkcs11
from pkcs11 import Attribute, ObjectClass, TokenFlag
from pkcs11.types import PrivateKey, Session, Token

from kernel.problems import Conflict, Problem, Refused
from signing.keys import WrongPin
from signing.pkcs11_uri import TokenUri

Result = TypeVar("Result")
_MARK = os.urandom(32)
_GONE = (
    pkcs11.DeviceError,
    pkcs11.DeviceRemoved,
    pkcs11.FunctionFailed,
    pkcs11.GeneralError,
    pkcs11.KeyHandleInvalid,
    pkcs11.NoSuchToken,
    pkcs11.ObjectHandleInvalid,
    pkcs11.OperationActive,
    pkcs11.SessionClosed,
    pkcs11.SessionHandleInvalid,
    pkcs11.SlotIDInvalid,
    pkcs11.TokenNotPresent,
    pkcs11.TokenNotRecognised,
    pkcs11.UserAlreadyLoggedIn,
    pkcs11.UserNotLoggedIn,
)
"""The token was pulled, or the library forgot us: open it anew, once."""


class TokenAbsent(Conflict):
    """No such token is plugged in."""

    slug = "token-absent"


class TokenBusy(Conflict):
    """The token or HSM does not answer in time."""

    slug = "token-busy"


class TokenPinLocked(Refused):
    """The token has shut itself after too many wrong PINs."""

    status, slug = 423, "token-pin-locked"


class KeyMissing(Conflict):
    """The token holds no such key, or one that may not sign."""

    slug = "key-missing"


class TokenUnfit(Refused):
    """The token cannot sign in a way we accept."""

    slug = "token-unfit"


class Login:
    """One open, signed-in session with a token."""

    def __init__(self, session: Session, mark: bytes) -> None:
        self.session, self.mark = session, mark
        self._keys: dict[tuple[bytes, str], PrivateKey] = {}

    def key(self, uri: TokenUri) -> PrivateKey:
        """Find the private key of an address. Raises KeyMissing."""
        wanted = (uri.id, uri.object)
        if wanted not in self._keys:
            self._see_alive()
            attributes: dict[Attribute, object] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
            if uri.id:
                attributes[Attribute.ID] = uri.id
            if uri.object:
                attributes[Attribute.LABEL] = uri.object
            found = [item for item in self.session.get_objects(attributes) if isinstance(item, PrivateKey)]
            if len(found) != 1:
                many = "nhiều khóa trùng tên" if found else "không có khóa này"
                raise KeyMissing(f"Token có {many}: {uri}. Hãy nhờ quản trị kiểm tra chứng thư đã đăng ký.")
            if not hasattr(found[0], "sign"):
                raise KeyMissing("Khóa trên token không được phép ký. Hãy xin cấp khóa có quyền ký.")
            self._keys[wanted] = found[0]
        return self._keys[wanted]

    def _see_alive(self) -> None:
        """Fail plainly in a session that is gone: a search that cannot begin leaves a trace on the error stream."""
        with suppress(pkcs11.RandomNoRNG, pkcs11.FunctionNotSupported):
            self.session.generate_random(64)

    def asks_each_time(self, key: PrivateKey) -> bool:
        """Tell whether the token wants the PIN again for each signature (CKA_ALWAYS_AUTHENTICATE)."""
        with suppress(pkcs11.AttributeTypeInvalid):
            return bool(key[Attribute.ALWAYS_AUTHENTICATE])
        return False


class Module:
    """One library, reached by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._logins: dict[bytes, Login] = {}
        self._serials: dict[tuple[str, str], bytes] = {}

    def tokens(self, *, wait_seconds: float) -> list[Token]:
        """List the tokens that are plugged in now. Raises TokenBusy, TokenUnfit for a library that does not load."""
        with self._held(wait_seconds):
            try:
                return self._tokens()
            except pkcs11.PKCS11Error as error:
                raise refusal(error) from error

    def read(self, uri: TokenUri, work: Callable[[Session], Result], *, wait_seconds: float) -> Result:
        """Work on what a token shows without a PIN. Raises TokenAbsent, TokenBusy, TokenUnfit."""
        with self._held(wait_seconds):
            try:
                session = self._find(uri).open()
                try:
                    return work(session)
                finally:
                    session.close()
            except pkcs11.PKCS11Error as error:
                raise refusal(error) from error

    def use(self, uri: TokenUri, pin: str, work: Callable[[Login], Result], *, wait_seconds: float) -> Result:
        """Work on a token that this PIN opens; a token that was pulled and put back is opened anew, once.

        Raises WrongPin, TokenPinLocked, TokenAbsent, TokenBusy, TokenUnfit and what `work` raises.
        """
        with self._held(wait_seconds):
            try:
                try:
                    return work(self._login(uri, pin))
                except (*_GONE, KeyMissing):
                    self._begin_anew()
                return work(self._login(uri, pin))
            except pkcs11.PKCS11Error as error:
                self._begin_anew()  # What was under way in the session is unknown.
                raise refusal(error) from error

    def change(
        self, uri: TokenUri, pin: str, work: Callable[[Session], Result], *, wait_seconds: float
    ) -> Result:
        """Work on a token in a session that may write: make or remove a key. Other sign-ins with it end first.

        Raises WrongPin, TokenPinLocked, TokenAbsent, TokenBusy, TokenUnfit.
        """
        with self._held(wait_seconds):
            try:
                token = self._find(uri)
                before = self._logins.pop(bytes(token.serial), None)
                if before is not None:
                    before.session.close()
                session = self._open(token, uri, pin, write=True)
                try:
                    return work(session)
                finally:
                    session.close()
            except pkcs11.PKCS11Error as error:
                self._begin_anew()
                raise refusal(error) from error

    def sign_out(self, pin: str) -> None:
        """Sign out of a token, if this PIN is the one that opened it."""
        with self._held(1.0):
            for serial, login in list(self._logins.items()):
                if login.mark == _mark(pin, serial):
                    del self._logins[serial]
                    with suppress(pkcs11.PKCS11Error):
                        login.session.close()

    @contextmanager
    def _held(self, wait_seconds: float) -> Iterator[None]:
        if not self._lock.acquire(timeout=wait_seconds):
            raise TokenBusy("Token hoặc HSM đang bận hoặc không trả lời. Hãy thử lại sau ít phút.")
        try:
            yield
        finally:
            self._lock.release()

    def _library(self) -> "pkcs11.lib":  # type: ignore[valid-type]  # a function that returns the class
        try:
            return pkcs11.lib(str(self.path))
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            raise TokenUnfit(f"Không mở được thư viện PKCS#11 {self.path}. Hãy liên hệ quản trị.") from error

    def _tokens(self) -> list[Token]:
        found = [slot.get_token() for slot in self._library().get_slots(token_present=True)]  # type: ignore[attr-defined]  # above
        return [token for token in found if token.flags & TokenFlag.TOKEN_INITIALIZED]

    def _find(self, uri: TokenUri) -> Token:
        found = [token for token in self._tokens() if names(token, uri)]
        if not found:
            raise pkcs11.NoSuchToken
        if len(found) > 1:
            raise TokenUnfit(f"Có {len(found)} token cùng tên “{uri.token}”: hãy đăng ký bằng số sê-ri.")
        return found[0]

    def _login(self, uri: TokenUri, pin: str) -> Login:
        place = (uri.token, uri.serial)
        serial = self._serials.get(place, b"")
        known = self._logins.get(serial)
        if known is not None and hmac.compare_digest(known.mark, _mark(pin, serial)):
            return known
        token = self._find(uri)
        serial = self._serials[place] = bytes(token.serial)
        before = self._logins.pop(serial, None)
        if before is not None:
            before.session.close()
        made = self._logins[serial] = Login(self._open(token, uri, pin), _mark(pin, serial))
        return made

    def _open(self, token: Token, uri: TokenUri, pin: str, *, write: bool = False) -> Session:
        """Sign in with one try of the PIN."""
        check_flags(token)
        try:
            return token.open(rw=write, user_pin=pin)
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
            last = self._find(uri).flags & TokenFlag.USER_PIN_FINAL_TRY
            self._begin_anew()  # The library leaves the session of a failed sign-in open.
            more = " Token chỉ cho thử một lần nữa rồi tự khóa." if last else ""
            raise WrongPin(f"Mã PIN của token không đúng.{more}", field="pin") from error
        except pkcs11.PKCS11Error:
            self._begin_anew()
            raise

    def _begin_anew(self) -> None:
        """Forget every session and let the library look at its slots again."""
        self._logins.clear()
        self._serials.clear()
        with suppress(pkcs11.PKCS11Error):
            self._library().reinitialize()  # type: ignore[attr-defined]  # as above


_modules: dict[Path, Module] = {}
_modules_lock = threading.Lock()


def module_at(path: Path) -> Module:
    """Return the library at a path, the same one for everybody in this process."""
    with _modules_lock:
        return _modules.setdefault(path, Module(path))


def names(token: Token, uri: TokenUri) -> bool:
    """Tell whether an address means this token."""
    serial = bytes(token.serial).decode("utf-8", "replace").strip()
    return (not uri.serial or serial == uri.serial) and (not uri.token or token.label.strip() == uri.token)


def check_flags(token: Token) -> None:
    """Refuse a token that cannot be opened by a PIN typed here, before a try is spent. Raises TokenPinLocked, TokenUnfit."""
    if token.flags & TokenFlag.USER_PIN_LOCKED:
        raise refusal(pkcs11.PinLocked())
    if token.flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH:
        raise TokenUnfit("Token này nhận mã PIN trên bàn phím riêng của nó, không ký được từ máy chủ.")
    if not token.flags & TokenFlag.USER_PIN_INITIALIZED:
        raise TokenUnfit("Token chưa đặt mã PIN của người dùng. Hãy làm theo hướng dẫn của nơi cấp token.")


def refusal(error: pkcs11.PKCS11Error) -> Problem:
    """Say a library's error in words."""
    name = type(error).__name__
    if isinstance(error, pkcs11.PinLocked):
        return TokenPinLocked("Token đã khóa mã PIN. Hãy mang tới quản trị để mở bằng mã SO.", field="pin")
    if isinstance(error, pkcs11.PinIncorrect | pkcs11.PinInvalid | pkcs11.PinLenRange):
        return WrongPin("Mã PIN của token không đúng.", field="pin")
    if isinstance(error, pkcs11.PinExpired):
        return TokenPinLocked("Mã PIN của token đã hết hạn. Hãy đổi mã PIN rồi ký lại.", field="pin")
    if isinstance(error, pkcs11.UserPinNotInitialized):
        return TokenUnfit("Token chưa đặt mã PIN của người dùng.")
    if isinstance(
        error, pkcs11.MechanismInvalid | pkcs11.MechanismParamInvalid | pkcs11.FunctionNotSupported
    ):
        return TokenUnfit("Token không ký được theo cách mà TT 15/2025/TT-BKHCN chấp nhận.")
    if isinstance(error, _GONE):
        return TokenAbsent("Không thấy token hoặc HSM. Hãy cắm lại token hoặc kiểm tra kết nối rồi thử lại.")
    return TokenUnfit(f"Token hoặc HSM từ chối ký ({name}). Hãy liên hệ quản trị.")


def _mark(pin: str, serial: bytes) -> bytes:
    return hmac.digest(_MARK, serial + b"\0" + pin.encode(), hashlib.sha256)
