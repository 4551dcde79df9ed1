"""Certificates that end or are revoked: warned of once, seen by the job, stopped from signing."""

from datetime import timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, update

from hospital.demo.pki import DemoPki, organisation_holder
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import Job, drain
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import KeyKind, sign_documents
from signing.certificates.models import Certificate, Notice
from signing.certificates.registry import Whose, upload_certificate
from signing.certificates.rules import NoticeKind, due_notice
from signing.certificates.watch import (
    CHECK_EVERY,
    ROUND_EVERY,
    NoticeNotFound,
    check_standing,
    notices_for_admin,
    notices_of,
    see_notice,
    stale_ids,
    warn_of_ends,
)
from signing.handlers import check_certificates
from signing.status import Standing
from tests.conftest import SignedIn
from tests.signing.certificates.sending import pem, upload
from tests.signing.holders import PIN, holder
from tests.signing.hospital import a_document, give_certificate, with_authority

NOW = utc_now()


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("left", "kind"),
    [
        (61 * DAY, None),
        (60 * DAY, NoticeKind.DAYS_60),
        (31 * DAY, NoticeKind.DAYS_60),
        (30 * DAY, NoticeKind.DAYS_30),
        (8 * DAY, NoticeKind.DAYS_30),
        (7 * DAY, NoticeKind.DAYS_7),
        (timedelta(seconds=1), NoticeKind.DAYS_7),
        (timedelta(0), NoticeKind.ENDED),
        (-DAY, NoticeKind.ENDED),
    ],
)
def test_warnings_are_due_at_60_30_and_7_days(left: timedelta, kind: NoticeKind | None) -> None:
    assert due_notice(NOW + left, NOW) == kind


async def test_each_warning_is_made_once_for_the_person_and_the_administrator(
    services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    certificate, _ = pki.issue(holder(), key, now=NOW, days=100)
    view = await upload(services, person, pem(certificate))
    end, made = view.not_after, []
    for days in (99, 61, 60, 59, 45, 30, 29, 7, 6, 1, 0):
        async with services.sessions.begin() as session:
            made.append(await warn_of_ends(session, now=end - days * DAY))
            again = await warn_of_ends(session, now=end - days * DAY)
        assert again == 0
    assert made == [0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1]
    async with services.sessions() as session:
        kinds = set(await session.scalars(select(Notice.kind)))
        mine = await notices_of(session, person.id)
        admins = await notices_for_admin(session)
    assert kinds == {"DAYS_60", "DAYS_30", "DAYS_7", "ENDED"}
    assert [notice.kind for notice in mine] == [notice.kind for notice in admins] == [NoticeKind.ENDED]


async def test_a_warning_is_put_aside_by_each_of_the_two_alone(
    services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey, signed_in: SignedIn
) -> None:
    await upload(services, person, pem(pki.issue(holder(), key, now=NOW, days=20)[0]))
    async with services.sessions.begin() as session:
        await warn_of_ends(session, now=utc_now())
        (notice,) = await notices_of(session, person.id)
    stranger = await signed_in(Role.DOCTOR)
    with pytest.raises(NoticeNotFound):
        async with services.sessions.begin() as session:
            await see_notice(session, notice.id, actor=stranger, admin=False, now=NOW)
    async with services.sessions.begin() as session:
        await see_notice(session, notice.id, actor=person, admin=False, now=NOW)
        assert await notices_of(session, person.id) == []
        assert len(await notices_for_admin(session)) == 1
        await see_notice(session, notice.id, actor=stranger, admin=True, now=NOW)
        assert await notices_for_admin(session) == []


async def test_a_revocation_is_seen_by_the_job_told_and_stops_signing(
    services: Services, person: Actor, pki: DemoPki, settings: Settings
) -> None:
    await give_certificate(services.sessions, settings, pki, person)
    document = await a_document(services, person)
    async with services.sessions() as session:
        row = await session.scalar(select(Certificate))
    assert row is not None
    revoked_at = utc_now().replace(microsecond=0) - timedelta(hours=3)
    pki.revoke(x509.load_der_x509_certificate(row.certificate), at=revoked_at)
    assert await check_standing(services, row.id, now=utc_now()) is Standing.REVOKED
    async with services.sessions() as session:
        after = await session.get_one(Certificate, row.id)
        (mine,) = await notices_of(session, person.id)
        (admins,) = await notices_for_admin(session)
    assert (after.state, after.revoked_at) == ("REVOKED", revoked_at)
    assert mine.kind is admins.kind is NoticeKind.REVOKED
    with pytest.raises(Problem) as refused:
        await sign_documents(services, person, [document.id], PIN, utc_now())
    assert refused.value.slug == "no-certificate"


async def test_the_job_asks_about_every_certificate_in_use(
    services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    good = await upload(services, person, pem(pki.issue(holder(), key, now=NOW)[0]))
    bad, _ = pki.issue(organisation_holder(services.settings.kernel.facility), key, now=NOW)
    view = await upload_certificate(
        services, Whose(None), pem(bad), key_kind=KeyKind.TOKEN, actor=person, now=utc_now()
    )
    pki.revoke(bad, at=utc_now())
    async with services.sessions.begin() as session:
        later = utc_now() + CHECK_EVERY
        await check_certificates(Job("signing.check_certificates", 1, later, services, open_session=session))
    await drain(services)
    async with services.sessions() as session:
        states = {row.id: (row.state, row.standing) for row in await session.scalars(select(Certificate))}
    assert states == {good.id: ("ACTIVE", "GOOD"), view.id: ("REVOKED", "REVOKED")}


@pytest.mark.parametrize(
    ("standing", "ago", "asked"),
    [
        (None, None, True),
        (Standing.GOOD, timedelta(0), False),
        (Standing.GOOD, CHECK_EVERY - timedelta(minutes=1), False),
        (Standing.GOOD, CHECK_EVERY, True),
        (Standing.UNREACHABLE, timedelta(minutes=1), False),
        (Standing.UNREACHABLE, ROUND_EVERY, True),
    ],
)
async def test_after_a_stop_what_is_stale_is_asked_again_and_nothing_else(
    services: Services,
    person: Actor,
    pki: DemoPki,
    key: ec.EllipticCurvePrivateKey,
    standing: Standing | None,
    ago: timedelta | None,
    asked: bool,
) -> None:
    view = await upload(services, person, pem(pki.issue(holder(), key, now=NOW)[0]))
    heard = {"standing": standing, "checked_at": None if ago is None else NOW - ago}
    async with services.sessions.begin() as session:
        await session.execute(update(Certificate).values(heard))
        assert (await stale_ids(session, now=NOW) == [view.id]) is asked


async def test_an_authority_that_is_away_changes_nothing_but_the_standing(
    services: Services, person: Actor, pki: DemoPki, key: ec.EllipticCurvePrivateKey
) -> None:
    view = await upload(services, person, pem(pki.issue(holder(), key, now=NOW)[0]))
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503))) as dead:
        away = with_authority(services, dead)
        assert await check_standing(away, view.id, now=utc_now()) is Standing.UNREACHABLE
    async with services.sessions() as session:
        row = await session.get_one(Certificate, view.id)
    assert (row.state, row.standing) == ("ACTIVE", "UNREACHABLE")
