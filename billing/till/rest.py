"""REST of the till: bills, cash, shifts, settlement, money without an owner, second screens."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.service import bill
from billing.bills.views import BillView
from billing.deposits.service import KeepExcess, keep_excess_as_deposit
from billing.matching.attach import Decide, ProposalView, Propose, decide, open_proposals, propose
from billing.matching.service import TransactionView, open_transactions
from billing.payments.service import pay_in_cash
from billing.receipts.service import receipts_of_episode
from billing.receipts.views import ReceiptView
from billing.requests.views import CreateRequest, RequestView
from billing.screens.service import PairScreen, pair_screen
from billing.settings import BillingSettings
from billing.settlements.service import settle_episode
from billing.shifts.service import CloseShift, OpenShift, ShiftView, close_shift, open_shift
from kernel.audit.api import Action, Entry, record
from kernel.clock import utc_now
from kernel.settings import KernelSettings
from kernel.staff.api import Actor, Role, needs


class TillController(Controller):
    path = "/api/billing"
    guards = [needs(Role.CASHIER, Role.ACCOUNTANT)]

    @get("/episodes/{episode_id:uuid}/bill", operation_id="getBill")
    async def read_bill(
        self,
        episode_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
    ) -> BillView:
        """Return the bill of an episode: as settled, else as it stands."""
        view = await bill(session, episode_id, now=utc_now(), settings=billing_settings)
        entry = Entry(Action.VIEW, f"billing.account:{view.account_id}", view.patient_id)
        await record(session, entry, actor)
        return view

    @get("/episodes/{episode_id:uuid}/receipts", operation_id="listReceipts")
    async def read_receipts(
        self, episode_id: FromPath[UUID], session: NamedDependency[AsyncSession]
    ) -> Sequence[ReceiptView]:
        """List the receipts of an episode."""
        return await receipts_of_episode(session, episode_id)

    @post("/episodes/{episode_id:uuid}/settlement", operation_id="settleEpisode", status_code=200)
    async def settle(
        self,
        episode_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
    ) -> BillView:
        """Settle an ended episode that owes nothing (quyết toán)."""
        return await settle_episode(
            session, episode_id, actor=actor, now=utc_now(), settings=billing_settings
        )

    @post("/deposits/kept-excess", operation_id="keepExcessAsDeposit", status_code=204)
    async def keep_excess(
        self,
        data: JSONBody[KeepExcess],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
    ) -> None:
        """Keep money paid too much as tạm ứng, by the patient's choice."""
        await keep_excess_as_deposit(session, data, actor=actor, now=utc_now(), settings=billing_settings)

    @post("/cash", operation_id="payInCash")
    async def cash(
        self,
        data: JSONBody[CreateRequest],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        kernel_settings: NamedDependency[KernelSettings],
        billing_settings: NamedDependency[BillingSettings],
    ) -> RequestView:
        """Take cash for what a request would ask."""
        return await pay_in_cash(
            session,
            data,
            actor=actor,
            facility=kernel_settings.facility,
            settings=billing_settings,
            now=utc_now(),
        )

    @post("/shifts", operation_id="openShift")
    async def shift(
        self,
        data: JSONBody[OpenShift],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> ShiftView:
        """Open a cash shift (mở ca) at a counter."""
        return await open_shift(session, data, actor=actor, now=utc_now())

    @post("/shifts/{shift_id:uuid}/closing", operation_id="closeShift", status_code=200)
    async def close(
        self,
        shift_id: FromPath[UUID],
        data: JSONBody[CloseShift],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> ShiftView:
        """Close a cash shift (đóng ca) with the drawer counted."""
        return await close_shift(session, shift_id, data, actor=actor, now=utc_now())

    @post("/screens", operation_id="pairScreen", status_code=204)
    async def pair(
        self,
        data: JSONBody[PairScreen],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> None:
        """Pair a second screen by the six digits it shows."""
        await pair_screen(session, data, actor=actor, now=utc_now())

    @get("/unmatched", operation_id="listUnmatchedMoney")
    async def unmatched(self, session: NamedDependency[AsyncSession]) -> Sequence[TransactionView]:
        """List money without an owner."""
        return await open_transactions(session)

    @get("/proposals", operation_id="listMatchProposals")
    async def proposals(self, session: NamedDependency[AsyncSession]) -> Sequence[ProposalView]:
        """List what waits for a second person."""
        return await open_proposals(session)

    @post("/proposals", operation_id="proposeMatch")
    async def put_forward(
        self,
        data: JSONBody[Propose],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> ProposalView:
        """Say whose money it is; a second person confirms."""
        return await propose(session, data, actor=actor, now=utc_now())

    @post("/proposals/{proposal_id:uuid}/decision", operation_id="decideMatch", status_code=200)
    async def decision(
        self,
        proposal_id: FromPath[UUID],
        data: JSONBody[Decide],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
    ) -> ProposalView:
        """Confirm or reject a colleague's proposal."""
        return await decide(session, proposal_id, data, actor=actor, settings=billing_settings, now=utc_now())
