"""One verification of a PDF's signatures by pyHanko: each with what is wrong, what proves its time, and who signed."""

from collections.abc import Sequence
from datetime import UTC, datetime

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    EmbeddedPdfSignature,
    PdfSignatureStatus,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko.sign.validation.errors import NoDSSFoundError, SignatureValidationError
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from signing.certificate_names import names_of
from signing.cms import SignedData, read_signed_data
from signing.der import BadDer, strip
from signing.people.judge import Found, carried_files, judge_bundle
from signing.status import Standing, standing_at
from signing.timestamps import read_info
from signing.trust import TrustList, whole_certificates
from signing.verification.hybrid import not_judged
from signing.verification.report import SignatureReport
from signing.verification.wording import algorithms, changes_of, level_of, reason_of, reasons_of, unreadable

_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})


class _Proof(Struct, frozen=True):
    """A document timestamp that holds: everything before `end` existed at this moment."""

    at: datetime
    by: str
    end: int


def _end(signature: EmbeddedPdfSignature) -> int:
    """Where the bytes that a signature covers end."""
    return int(signature.byte_range[2] + signature.byte_range[3])


class Judge:
    """One verification: the file, the roots, the moment, and the revocation answers at hand."""

    def __init__(
        self,
        reader: PdfFileReader,
        trust: TrustList,
        now: datetime,
        ocsps: Sequence[bytes],
        crls: Sequence[bytes],
        *,
        data: bytes,
    ) -> None:
        self._now, self._trust, self._data = now, trust, data
        self._roots = [as_asn1(root) for root in trust.roots]
        self._others = [as_asn1(certificate) for certificate in trust.intermediates]
        self._ocsps, self._crls = list(ocsps), list(crls)
        self._archived = self._read_store(reader)

    def _read_store(self, reader: PdfFileReader) -> bool:
        """Take certificates and revocation answers out of the file's DSS; tell whether there is one."""
        try:
            store = DocumentSecurityStore.read_dss(reader)
        except NoDSSFoundError:
            return False
        except (PdfError, SignatureValidationError, ValueError, KeyError, TypeError):
            return False
        self._others += list(store.load_certs())
        self._ocsps += [bytes(item.get_object().data) for item in store.ocsps]
        self._crls += [bytes(item.get_object().data) for item in store.crls]
        return bool(store.ocsps or store.crls)

    def _context(self, at: datetime) -> ValidationContext:
        return ValidationContext(
            trust_roots=self._roots,
            other_certs=self._others,
            moment=at,
            allow_fetching=False,
            revocation_mode="soft-fail",  # Revocation is judged by `standing_at`, with or without the network.
        )

    async def all(
        self, found: list[EmbeddedPdfSignature], stamps: list[EmbeddedPdfSignature]
    ) -> tuple[SignatureReport, ...]:
        """Judge every signature; document timestamps that hold prove when it existed."""
        holding: list[_Proof] = []
        moment = self._now
        for stamp in sorted(
            stamps, key=_end, reverse=True
        ):  # Each one vouches for the time of those before it.
            proof = await self._proof(stamp, moment)
            if proof is not None:
                holding.append(proof)
                moment = proof.at
        return tuple([await self._one(signature, holding) for signature in found])

    async def _proof(self, stamp: EmbeddedPdfSignature, moment: datetime) -> _Proof | None:
        """Judge a document timestamp as of a moment; None when it does not hold."""
        try:
            status = await async_validate_pdf_timestamp(stamp, self._context(moment))
            token = read_signed_data(bytes(stamp.pkcs7_content))
        except (SignatureValidationError, PdfError, BadDer, ValueError):
            return None
        holder = token.certificate()
        if not (status.valid and status.intact and status.trusted) or not token.content or holder is None:
            return None
        return _Proof(read_info(token.content)[0], names_of(holder).name, _end(stamp))

    async def _one(self, signature: EmbeddedPdfSignature, holding: list[_Proof]) -> SignatureReport:
        if (refusal := not_judged(signature, len(self._data))) is not None:
            return refusal
        try:
            own = read_signed_data(bytes(signature.pkcs7_content))
        except BadDer:
            own = None  # Perhaps a foreign digest; pyHanko judges, `_sound` refuses.
        stamped = _stamped_at(own)
        proofs = [proof for proof in holding if proof.end > _end(signature)]
        proven = min((proof.at for proof in proofs), default=self._now)
        moment = stamped or proven
        try:
            status = await async_validate_pdf_signature(
                signature,
                self._context(moment),
                ts_validation_context=self._context(proven),
                key_usage_settings=_USAGE,
            )
        except (SignatureValidationError, PdfError, ValueError):  # Texts in English that may quote the file.
            return unreadable(str(signature.field_name))
        return self._report(signature, status, own, moment, proofs)

    def _report(
        self,
        signature: EmbeddedPdfSignature,
        status: PdfSignatureStatus,
        own: SignedData | None,
        moment: datetime,
        proofs: list[_Proof],
    ) -> SignatureReport:
        certificate = x509.load_der_x509_certificate(signature.signer_cert.dump())
        scheme, refusals, warnings = algorithms(status, own, certificate)
        if own is None or not self._sound(signature, own):
            refusals.append("Vùng chứa chữ ký bị thay đổi hoặc chứa dữ liệu lạ.")
        in_signature = status.timestamp_validity is not None and status.timestamp_validity.trusted
        stamp_holds = bool(in_signature or proofs)
        path = self._trust.path(certificate, at=moment, extra=own.certificates if own else ())
        standing = self._standing(path, moment)
        if standing is Standing.REVOKED:
            refusals.append("Chứng thư số đã bị thu hồi.")
        carried = self._carried(signature, certificate)
        if carried is not None:
            refusals += carried.faults
        valid = bool(status.bottom_line) and not refusals
        if standing is Standing.UNREACHABLE:
            warnings.append("Chưa có bằng chứng trạng thái thu hồi tại thời điểm ký.")
        if not stamp_holds:
            warnings.append("Thời điểm ký do máy ký khai, chưa có dấu thời gian tin cậy.")
        names = names_of(certificate)
        return SignatureReport(
            field=str(signature.field_name),
            valid=valid,
            reasons=()
            if valid
            else reasons_of(status, certificate, moment, refusals, trusted=path is not None),
            warnings=tuple(warnings),
            signer=names.name,
            title=names.title,
            uid=names.uid,
            organisation=names.organisation,
            issuer=names.issuer,
            serial=f"{certificate.serial_number:X}",
            valid_from=certificate.not_valid_before_utc,
            valid_to=certificate.not_valid_after_utc,
            claimed_at=_aware(status.signer_reported_dt),
            stamped_at=moment if stamp_holds else None,
            stamped_by=_stamper(status) if in_signature else proofs[0].by if proofs else "",
            intact=bool(status.intact and status.valid),
            standing=standing,
            scheme=scheme,
            level=level_of(stamp_holds=stamp_holds, archived=self._archived, renewed=bool(proofs))
            if valid
            else None,
            last=status.coverage is SignatureCoverageLevel.ENTIRE_FILE,
            changes=changes_of(status),
            person=carried.told if carried else None,
            reason=reason_of(signature),
        )

    def _carried(self, signature: EmbeddedPdfSignature, certificate: x509.Certificate) -> Found | None:
        """Judge the evidence that the hospital sealed for a patient, a representative or witnesses, if there is any."""

        return judge_bundle(
            self._data,
            carried_files(signature.sig_field),
            field=str(signature.field_name),
            hole=int(signature.byte_range[1]),
            certificate=certificate,
            trusted=lambda holder, at, extra: self._trust.path(holder, at=at, extra=extra) is not None,
        )

    def _sound(self, signature: EmbeddedPdfSignature, own: SignedData) -> bool:
        """Look at what no signature covers: the hole must hold one CMS, zeros, and certificates that are whole."""
        start, size, second, _ = (int(number) for number in signature.byte_range)
        hole = self._data[start + size : second]
        text = hole[1:-1]
        if hole[:1] != b"<" or hole[-1:] != b">" or text not in (text.lower(), text.upper()):
            return False
        try:
            raw = bytes.fromhex(text.decode("ascii"))
        except ValueError:
            return False
        if raw[len(strip(raw)) :].strip(b"\0"):
            return False
        known = (*self._trust.roots, *self._trust.intermediates)
        inside = read_signed_data(own.token).certificates if own.token else ()
        return whole_certificates(own.certificates, known) and whole_certificates(inside, known)

    def _standing(self, path: tuple[x509.Certificate, ...] | None, at: datetime) -> Standing:
        return standing_at(path, self._ocsps, self._crls, at=at) if path else Standing.UNREACHABLE


def _stamped_at(own: SignedData | None) -> datetime | None:
    """Read when the token says the signature existed; whether to believe it is pyHanko's business."""
    if own is None or own.token is None:
        return None
    try:
        token = read_signed_data(own.token)
        return read_info(token.content)[0] if token.content else None
    except BadDer:
        return None


def _stamper(status: PdfSignatureStatus) -> str:
    assert status.timestamp_validity is not None
    certificate = x509.load_der_x509_certificate(status.timestamp_validity.signing_cert.dump())
    return names_of(certificate).name


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def as_asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
