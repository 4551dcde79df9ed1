"""What of a BHYT card must be known before a visit counts on it."""

from datetime import date
from decimal import Decimal

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.views import CardCheck
from insurance.api import Exemption, exemption_threshold, load_parameters
from kernel.problems import Refused


class InvalidVisit(Refused):
    slug = "invalid-visit"


def require_usable(card: CardCheck, today: date) -> None:
    """Raises InvalidVisit. While the portal does not answer the number is taken and verified later (NĐ 188/2025 Đ37-38)."""
    if card.portal_down:
        return
    if card.valid_to is not None and card.valid_to < today:
        raise InvalidVisit("Thẻ BHYT đã hết hạn. Chọn đối tượng khác hoặc tra cứu lại.", field="insurance")
    if card.valid_from is not None and card.valid_from > today:
        raise InvalidVisit("Thẻ BHYT chưa đến ngày có giá trị.", field="insurance")
    require_route(card)


def require_route(card: CardCheck) -> None:
    """Raises InvalidVisit while nobody chose by which route the person came: the benefit follows from it."""
    if not card.route:
        raise InvalidVisit(
            "Chọn «Đến khám theo»: đúng nơi đăng ký, có phiếu chuyển, cấp cứu hay tự đến.", field="route"
        )


async def with_threshold(session: AsyncSession, card: CardCheck, today: date) -> CardCheck:
    """Keep with the look-up above which co-payment of the year nothing more is asked (NĐ 188/2025 Đ18 k2)."""
    if card.copaid is None or card.five_years_from is None or card.copaid_threshold is not None:
        return card
    said = Exemption(
        today.year, card.five_years_from, Decimal(card.copaid), Decimal(card.copaid_before_change)
    )
    threshold = exemption_threshold(said, today, await load_parameters(session))
    return replace(card, copaid_threshold=threshold)
