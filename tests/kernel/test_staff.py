"""Accounts, sign-in, sessions: who gets in, who does not, and what the log says of it."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.staff.api import NewAccount, Role, add_account
from kernel.staff.rules import password_refusal, safe_next, session_is_live
from kernel.staff.service import SignIn, SignInRefused, WeakPassword, actor_of_token, sign_in
from tests.conftest import PASSWORD, SignedIn


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
