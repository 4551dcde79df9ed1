"""The organisation's own key, for what it seals itself: documents, invoices."""

from kernel.clock import Instant
from kernel.services import Services
from signing.certificates.service import owner_of
from signing.context import context_of
from signing.gate import check_certificate
from signing.keys import SoftwareSigner
from signing.pkcs11 import Pkcs11Signer
from signing.policy.service import signer_for
from signing.tasks.service import open_seal


async def organisation_signer(services: Services, *, now: Instant) -> SoftwareSigner | Pkcs11Signer:
    """Return the open key of the organisation, its certificate checked for this moment.

    On a token or HSM `sign_xml` blocks: call it in a thread. Raises NoCertificate, KeyFileMissing, WrongPin, the refusals
    of a token and those of `check_certificate`.
    """
    context = context_of(services)
    async with services.sessions() as session:
        row = await signer_for(session, None, "")
        owner = await owner_of(session, row, services.settings.kernel.facility)
    signer = await open_seal(context, row)
    check_certificate(signer.certificate, owner, context.trust, now=now)
    return signer
