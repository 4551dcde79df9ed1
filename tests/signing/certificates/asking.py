"""Acts that the tests of enrolment share: ask for a certificate, let the authority issue it."""

from typing import Any

from cryptography import x509

from hospital.demo.pki import DemoPki, Holder
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Actor
from signing.certificates.enrolment import EnrolmentView, RequestCertificate, request_certificate, request_pem
from signing.requests import Algorithm
from tests.signing.holders import holder
from tests.signing.tokens import PublicHalf

NEW_PIN = "pin-moi-7391"


async def ask(services: Services, actor: Actor, **more: Any) -> EnrolmentView:
    """Ask for a certificate of one's own key file, unless told otherwise."""
    given: dict[str, Any] = {
        "id": new_id(),
        "staff_id": actor.id,
        "algorithm": Algorithm.EC_P256,
        "pin": NEW_PIN,
    } | more
    return await request_certificate(services, RequestCertificate(**given), actor=actor, now=utc_now())


async def request_of(services: Services, view: EnrolmentView, actor: Actor) -> x509.CertificateSigningRequest:
    async with services.sessions() as session:
        return x509.load_pem_x509_csr(await request_pem(session, view.id, actor))


def issue(
    pki: DemoPki, request: x509.CertificateSigningRequest, who: Holder | None = None, **more: Any
) -> x509.Certificate:
    """Certify the key of a request, for its owner unless told otherwise."""
    half: Any = PublicHalf(request.public_key())  # type: ignore[arg-type]  # RSA or ECDSA
    certificate, _ = pki.issue(who or holder(), half, **({"now": utc_now()} | more))
    return certificate
