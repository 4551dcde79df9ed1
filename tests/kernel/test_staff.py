"""Accounts, sign-in, sessions: who gets in, who does not, and what the log says of it."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.app import create_app
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.staff.api import NewAccount, Role, add_account
from kernel.staff.known import KnownStaff
from kernel.staff.rules import password_refusal, safe_next, session_is_live
from kernel.staff.service import SignIn, SignInRefused, WeakPassword, actor_of_token, sign_in
from kernel.wake import Message, Wake
from tests.conftest import PASSWORD, RealDatabase, SignedIn, browser


@pytest.mark.parametrize(
    ("password", "refused"),
    [("ngan", True), ("toanchuthuong", True), ("bacsi-2026-abc", True), ("du-dai-va-2-loai", False)],
)
def test_weak_passwords_are_refused(password: str, refused: bool) -> None:
    assert (password_refusal(password, "bacsi") is not None) is refused


@pytest.mark.parametrize(
    ("path", "goes"),
    [
        ("/till", "/till"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil", "/"),
        ("/a?b=1", "/a?b=1"),
    ],
)
def test_sign_in_leads_only_to_our_own_pages(path: str, goes: str) -> None:
    assert safe_next(path) == goes


def test_a_session_ends_by_age_and_by_idleness() -> None:
    now = utc_now()

    def live(age_hours: float, idle_minutes: float) -> bool:
        return session_is_live(
            created_at=now - timedelta(hours=age_hours),
            last_seen_at=now - timedelta(minutes=idle_minutes),
            now=now,
            hours=12,
            idle_minutes=30,
        )

    assert live(1, 1)
    assert not live(12, 1)
    assert not live(1, 30)


def account(username: str, password: str = PASSWORD) -> NewAccount:
    return NewAccount(
        id=new_id(),
        username=username,
        name="Trần Thị Thử",
        title="",
        department="K01",
        roles=frozenset({Role.NURSE}),
        password=password,
    )


async def test_wrong_unknown_and_locked_are_refused_alike(sessions: Sessions, settings: Settings) -> None:
    async with sessions.begin() as session:
        await add_account(session, account("nhanvien"), settings=settings.kernel, now=utc_now())
    refusals = set()
    for username, password in [("nhanvien", "sai-mat-khau-1"), ("khongco", PASSWORD)]:
        with pytest.raises(SignInRefused) as refusal:
            await sign_in(
                sessions, SignIn(username, password), ip="::1", settings=settings.kernel, now=utc_now()
            )
        refusals.add(str(refusal.value))
    assert len(refusals) == 1


async def test_five_wrong_passwords_lock_the_account_for_a_while(
    sessions: Sessions, settings: Settings
) -> None:
    now = utc_now()
    async with sessions.begin() as session:
        await add_account(session, account("nhanvien"), settings=settings.kernel, now=now)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await sign_in(
                sessions, SignIn("nhanvien", "sai-mat-khau-1"), ip="::1", settings=settings.kernel, now=now
            )
    with pytest.raises(SignInRefused, match="tạm khoá"):
        await sign_in(sessions, SignIn("nhanvien", PASSWORD), ip="::1", settings=settings.kernel, now=now)
    later = now + timedelta(minutes=11)
    token, view = await sign_in(
        sessions, SignIn("nhanvien", PASSWORD), ip="::1", settings=settings.kernel, now=later
    )
    found = await actor_of_token(sessions, token, ip="::1", settings=settings.kernel, now=later)
    assert found is not None
    assert found.id == view.id
    async with sessions() as session:
        rows = await session.execute(text("SELECT action FROM kernel_audit ORDER BY id"))
        assert [row[0].lower() for row in rows] == ["failure"] * 5 + ["login"]


async def test_a_weak_password_makes_no_account(session: AsyncSession, settings: Settings) -> None:
    with pytest.raises(WeakPassword):
        await add_account(session, account("nhanvien", "ngan"), settings=settings.kernel, now=utc_now())


async def test_signing_out_ends_the_session(client: httpx.AsyncClient, signed_in: SignedIn) -> None:
    await signed_in(Role.NURSE)
    assert (await client.post("/api/logout")).status_code == 204
    assert (await client.get("/api/me")).status_code == 401


async def test_a_forged_token_is_nobody(client: httpx.AsyncClient) -> None:
    client.cookies.set("lanh_session", "x" * 43)
    assert (await client.get("/api/me")).status_code == 401


async def test_a_form_without_the_token_of_our_page_is_refused(
    client: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    await signed_in(Role.NURSE)
    client.event_hooks["request"] = []
    assert (await client.post("/api/logout")).status_code == 403


async def test_a_sign_out_ends_the_session_in_every_process_within_the_second(real_db: RealDatabase) -> None:
    """Two applications over one database; the other one has just let the person in and remembers."""
    other = create_app(real_db.settings)
    async with other.lifespan(), browser(other) as elsewhere:
        await real_db.sign_in(Role.NURSE)
        held = {"cookie": f"lanh_session={real_db.client.cookies['lanh_session']}"}
        wake = other.state.services.wake
        async with asyncio.timeout(10):
            while not (wake.connected and real_db.services.wake.connected):
                await asyncio.sleep(0.01)
        for client in (elsewhere, elsewhere, real_db.browser()):
            assert (await client.get("/api/me", headers=held)).status_code == 200
        assert len(other.state.known_staff) == 1
        answer = await real_db.client.post("/logout")
        assert answer.status_code == 303
        assert (await real_db.browser().get("/api/me", headers=held)).status_code == 401  # Here at once.
        await asyncio.sleep(0.3)
        assert (await elsewhere.get("/api/me", headers=held)).status_code == 401


async def test_who_was_here_is_forgotten_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    wake, asked, clock = Wake(), [], [100.0]
    wake.connected = True
    known = KnownStaff(wake)
    monkeypatch.setattr("kernel.staff.known.time.monotonic", lambda: clock[0])

    async def read() -> dict[str, str]:
        asked.append(clock[0])
        return {"name": "a"}

    await known.find(b"k", read)
    clock[0] += 0.9
    await known.find(b"k", read)
    clock[0] += 0.2
    await known.find(b"k", read)
    assert len(asked) == 2


async def test_nobody_is_remembered_while_other_processes_cannot_be_heard() -> None:
    wake, asked = Wake(), []
    known = KnownStaff(wake)

    async def read() -> dict[str, str]:
        asked.append(1)
        return {"name": "a"}

    await known.find(b"k", read)
    await known.find(b"k", read)
    wake.connected = True
    await known.find(b"k", read)
    await known.find(b"k", read)
    wake.connected = False
    await known.find(b"k", read)
    assert len(asked) == 4


async def test_a_sign_out_during_the_reading_is_not_overlooked() -> None:
    wake = Wake()
    wake.connected = True
    known = KnownStaff(wake)

    async def read() -> dict[str, str]:
        wake.tell([Message("staff", "{}")])
        return {"name": "read before the sign-out"}

    await known.find(b"k", read)
    assert len(known) == 0
