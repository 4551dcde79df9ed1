"""Which ways to sign a sitting offers, and the sentence that the person agrees to."""

from signing.people.rules import Method, Offered, methods_for
from signing.people.settings import PeopleSettings
from signing.people.views import SittingView

CONSENT = "Tôi đã xem hết văn bản này và đồng ý ký."


CONSENT_MANY = "Tôi đã xem hết các văn bản này và đồng ý ký."


def consent_for(view: SittingView, method: Method | None) -> str:
    """Return the sentence above the button or the canvas; empty where nobody confirms on a screen."""
    if method in (Method.WITNESSED, Method.PAPER):
        return ""
    return CONSENT if len(view.documents) == 1 or method is Method.NATIONAL_ID else CONSENT_MANY


def offered_by(settings: PeopleSettings) -> Offered:
    return Offered(
        allowed=settings.people_methods,
        ink_key=settings.people_ink_key_file is not None and settings.people_ink_key_file.is_file(),
        reader=bool(settings.people_reader_url),
        gateway=bool(settings.people_sms_url),
        identity=bool(settings.people_identity_url),
        written_kinds=frozenset(settings.people_written_kinds),
    )


def methods_of(view: SittingView, settings: PeopleSettings) -> tuple[Method, ...]:
    """Return the ways this sitting may be signed, only the one it began with once it began."""
    kinds = [item.kind for item in view.documents]
    methods = methods_for(offered_by(settings), kinds, phone=view.phone_id is not None)
    return tuple(method for method in methods if view.method in (None, method))
