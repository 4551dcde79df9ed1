"""The cashier's pages: choose a counter, work list, bill, take money."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payments.service import pay_in_cash
from billing.prices.rules import KIND_WORDS as PRICE_WORDS
from billing.receipts.views import KIND_WORDS as RECEIPT_WORDS
from billing.requests.at_counter import open_at
from billing.requests.rules import STATE_WORDS
from billing.requests.service import TILL_TOPIC, cancel_request, create_request
from billing.requests.views import CreateRequest
from billing.screens.service import PairScreen, WrongPairingCode, pair_screen
from billing.settings import BillingSettings
from billing.settlements.service import settle_episode
from billing.shifts.service import (
    CloseShift,
    OpenShift,
    ShiftView,
    close_shift,
    list_counters,
    open_shift,
    shift_of,
)
from billing.till.service import BadScan, search, till_account, work_list
from billing.vietqr.drawing import draw
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.live import stream
from kernel.problems import Conflict, Problem
from kernel.services import Services
from kernel.settings import KernelSettings
from kernel.staff.api import Actor, Role, needs
from kernel.web.forms import BadAmount, Form, form_id, typed_amount


def chosen_charges(form: Form) -> tuple[UUID, ...]:
    """Read the ticked lines. Raises BadAmount on a form that was not ours."""
    try:
        return tuple(UUID(name.removeprefix("charge-")) for name in form if name.startswith("charge-"))
    except ValueError:
        raise BadAmount("Biểu mẫu có dòng lạ. Hãy tải lại trang.") from None


class TillPages(Controller):
    path = "/till"
    guards = [needs(Role.CASHIER, Role.ACCOUNTANT)]
    include_in_schema = False

    @get()
    async def home(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        q: FromQuery[str] = "",
    ) -> Template:
        """Show who owes something; without an open shift first the choice of a counter."""
        return Template("billing/till.html", context=await _home(session, actor, q))

    @get("/list")
    async def rows(self, session: NamedDependency[AsyncSession], current: FromQuery[str] = "") -> Template:
        """Return the work list as a fragment."""
        return Template(
            "billing/_till_list.html",
            context={"rows": await work_list(session, now=utc_now()), "current": current},
        )

    @get("/live")
    async def live(self, services: NamedDependency[Services]) -> ServerSentEvent:
        """Tell the page when money or charges moved."""
        return stream(services.wake, TILL_TOPIC)

    @post("/shift")
    async def start(
        self,
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Open a shift at a counter."""
        try:
            amount = typed_amount(data, "opening_float") if data.get("opening_float", "").strip() else 0
            command = OpenShift(form_id(data), data.get("counter", ""), amount)
            async with session.begin_nested():
                await open_shift(session, command, actor=actor, now=utc_now())
        except Problem as refusal:
            context = await _home(session, actor, "", refusal=refusal, form=data)
            return Template("billing/till.html", context=context, status_code=422)
        return Redirect("/till", status_code=303)

    @post("/shift/closing")
    async def stop(
        self,
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Close the shift with the drawer counted blind."""
        shift = await shift_at_till(session, actor)
        try:
            command = CloseShift(typed_amount(data, "counted"), data.get("reason", ""))
            async with session.begin_nested():
                await close_shift(session, shift.id, command, actor=actor, now=utc_now())
        except Problem as refusal:
            context = await _home(session, actor, "", refusal=refusal, form=data)
            return Template("billing/till.html", context=context, status_code=422)
        return Redirect("/till", status_code=303)

    @post("/screens")
    async def pair(
        self,
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Pair the second screen that shows these six digits."""
        shift = await shift_at_till(session, actor)
        code = "".join(data.get("code", "").split())
        try:
            if len(code) != 6 or not code.isdigit():
                raise WrongPairingCode("Mã ghép gồm sáu chữ số trên màn hình phụ.", field="code")
            async with session.begin_nested():
                await pair_screen(session, PairScreen(shift.counter, code), actor=actor, now=utc_now())
        except Problem as refusal:
            context = await _home(session, actor, "", refusal=refusal, form=data)
            return Template("billing/till.html", context=context, status_code=422)
        return Redirect("/till", status_code=303)

    @post("/requests/{request_id:uuid}/cancel")
    async def cancel(
        self,
        request_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        """Take a code off the screens."""
        reason = "Thu ngân huỷ mã trên quầy."
        view = await cancel_request(session, request_id, reason=reason, actor=actor, now=utc_now())
        return Redirect(f"/till/{view.episode_id}", status_code=303)


class NoShift(Conflict):
    slug = "no-shift"


class AmountChanged(Conflict):
    """Something was ordered, voided or paid since the cashier looked."""

    slug = "amount-changed"


async def shift_at_till(session: AsyncSession, actor: Actor) -> ShiftView:
    shift = await shift_of(session, actor)
    if shift is None:
        raise NoShift("Bạn chưa mở ca. Hãy chọn quầy và mở ca trước.")
    return shift


async def _home(
    session: AsyncSession,
    actor: Actor,
    q: str,
    *,
    refusal: Problem | None = None,
    form: Form | None = None,
) -> dict[str, Any]:
    found, bad_scan = None, ""
    if q.strip():
        try:
            found = await search(session, q)
        except BadScan as error:
            bad_scan = str(error)
    shift = await shift_of(session, actor)
    return {
        "rows": await work_list(session, now=utc_now()),
        "current": "",
        "shift": shift,
        "open_codes": await open_at(session, shift.counter) if shift else [],
        "counters": [place for place in await list_counters(session) if place.staffed],
        "new_id": new_id(),
        "q": q,
        "found": found,
        "bad_scan": bad_scan,
        "refusal": refusal,
        "form": form or {},
    }


class AccountPages(Controller):
    path = "/till/{episode_id:uuid}"
    guards = [needs(Role.CASHIER, Role.ACCOUNTANT)]
    include_in_schema = False

    @get()
    async def bill(
        self,
        episode_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        kernel_settings: NamedDependency[KernelSettings],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Template:
        """Show one bill and the ways to take its money."""
        context = await account_context(session, episode_id, actor, kernel_settings, billing_settings)
        return Template("billing/account.html", context=context)

    @get("/money")
    async def money(
        self,
        episode_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        kernel_settings: NamedDependency[KernelSettings],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Template:
        """Return what changes when money moves, as a fragment."""
        context = await account_context(session, episode_id, actor, kernel_settings, billing_settings)
        return Template("billing/_account.html", context=context)

    @post("/qr")
    async def ask(
        self,
        episode_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        kernel_settings: NamedDependency[KernelSettings],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Response[Any]:
        """Show a code on the second screen: for the chosen lines, or for a tạm ứng."""
        return await take_money(
            session, episode_id, data, actor, kernel_settings, billing_settings, cash=False
        )

    @post("/settlement")
    async def settle(
        self,
        episode_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        kernel_settings: NamedDependency[KernelSettings],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Response[Any]:
        """Settle (quyết toán)."""
        try:
            async with session.begin_nested():
                await settle_episode(
                    session, episode_id, actor=actor, now=utc_now(), settings=billing_settings
                )
        except Problem as refusal:
            context = await account_context(
                session, episode_id, actor, kernel_settings, billing_settings, refusal=refusal
            )
            return Template("billing/account.html", context=context, status_code=422)
        return Redirect(f"/till/{episode_id}", status_code=303)


def asked_of(form: Form, episode_id: UUID, shift: ShiftView) -> CreateRequest:
    """Read what the form asks for: the chosen lines, or a tạm ứng. Raises BadAmount, BrokenForm."""
    chosen = chosen_charges(form)
    deposit = typed_amount(form, "deposit") if form.get("kind") == "deposit" else None
    if deposit == 0:
        raise BadAmount("Tạm ứng phải lớn hơn 0 đồng.", field="deposit")
    return CreateRequest(
        id=form_id(form),
        episode_id=episode_id,
        counter=shift.counter,
        charge_ids=chosen if chosen and deposit is None else None,
        deposit=deposit,
    )


async def take_money(
    session: AsyncSession,
    episode_id: UUID,
    form: Form,
    actor: Actor,
    kernel: KernelSettings,
    settings: BillingSettings,
    *,
    cash: bool,
) -> Response[Any]:
    """Take the money the form asks for; a refusal shows the account again and says why."""
    try:
        command = asked_of(form, episode_id, await shift_at_till(session, actor))
        take = pay_in_cash if cash else create_request
        async with session.begin_nested():
            taken = await take(
                session,
                command,
                actor=actor,
                facility=kernel.facility,
                settings=settings,
                now=utc_now(),
            )
            if form.get("expected", str(taken.amount)) != str(taken.amount):
                raise AmountChanged("Số tiền vừa thay đổi. Hãy xem lại rồi thu lại.")
    except Problem as refusal:
        context = await account_context(
            session, episode_id, actor, kernel, settings, refusal=refusal, form=form
        )
        return Template("billing/account.html", context=context, status_code=422)
    return Redirect(f"/till/{episode_id}", status_code=303)


async def account_context(
    session: AsyncSession,
    episode_id: UUID,
    actor: Actor,
    kernel: KernelSettings,
    settings: BillingSettings,
    *,
    refusal: Problem | None = None,
    form: Form | None = None,
) -> dict[str, Any]:
    """Return what the account's page shows; opening it is written down."""
    account = await till_account(session, episode_id, actor=actor, settings=settings, now=utc_now())
    pending = account.open_request
    return {
        "account": account,
        "bill": account.bill,
        "person": account.person,
        "pending": pending,
        "cash": 0,
        "qr": Markup(draw(pending.payload).svg()) if pending else None,  # noqa: S704  our own drawing
        "rows": await work_list(session, now=utc_now()),
        "current": str(episode_id),
        "shift": await shift_of(session, actor),
        "states": STATE_WORDS,
        "price_words": PRICE_WORDS,
        "receipt_words": RECEIPT_WORDS,
        "facility": kernel.facility,
        "demo": kernel.demo,
        "new_id": new_id(),
        "refusal": refusal,
        "form": form or {},
    }
