"""What other packages may use of signing."""

from kernel.paper.verify import new_code
from signing.archive.service import best_copies, best_sha256
from signing.certificates.service import (
    CertificateView,
    KeyFileMissing,
    NoCertificate,
    PinLocked,
    RegisterCertificate,
    list_certificates,
    register_certificate,
)
from signing.certificates.unlocked import UnlockView, is_unlocked, lock, unlock
from signing.context import Context, context_for, context_of
from signing.documents.rules import STATE_WORDS, DocumentState, SlotState, read_code
from signing.documents.service import (
    DocumentIdReused,
    NewDocument,
    NewSlot,
    NoSlots,
    NotTheAuthor,
    NotYourTurn,
    RefuseDocument,
    WrongDocumentState,
    prepare_document,
    recall_document,
    refuse_document,
)
from signing.documents.views import (
    DocumentNotFound,
    DocumentView,
    SlotView,
    documents_of_patient,
    documents_of_subject,
    find_by_code,
    find_by_hash,
    get_document,
    inbox,
    owed_of,
)
from signing.events import DocumentRefused, DocumentSigned
from signing.key_kinds import KeyKind
from signing.keys import BadKeyFile, KeyLocked, SoftwareSigner, WrongPin, open_pkcs12
from signing.organisation import organisation_signer
from signing.policy.service import SignAnotherWay, signer_for
from signing.rehearsal.service import Readiness, readiness
from signing.remote.finish import finish_remote
from signing.remote.pages import sitting_page
from signing.remote.rules import SittingState
from signing.remote.service import start_remote
from signing.remote.sittings import (
    SittingNotFound,
    SittingView,
    cancel_sitting,
    get_sitting,
    live_sitting,
)
from signing.remote.ways import Step, steps_of
from signing.tasks.batch import SignResult, SignState
from signing.tasks.behalf import (
    GiveMandate,
    MandateIdReused,
    MandateNotFound,
    MandateOver,
    MandateRefused,
    NotAPost,
    end_mandate,
    give_mandate,
    inbox_for_others,
    mandates_of,
)
from signing.tasks.duty import leaders_on_duty, use_roster
from signing.tasks.handover import BeingSigned, CannotTake, HandOver, NotForOthers, hand_over
from signing.tasks.rules import Capacity
from signing.tasks.seal import NotOnDuty, release_seal
from signing.tasks.service import BatchTooLarge, sign_documents
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from signing.verification.report import Report, SignatureReport
from signing.verification.service import UnknownFormat, verify_file, verify_offline
from signing.verification.xml import verify_xml
from signing.xml import BadXml, ClaimProfile, sign_xml_claim, sign_xml_enveloped, sign_xml_invoice
from signing.xml_steps import xml_to_sign, xml_with_value

__all__ = [
    "STATE_WORDS",
    "BadKeyFile",
    "BadXml",
    "BatchTooLarge",
    "BeingSigned",
    "CannotTake",
    "Capacity",
    "CertificateView",
    "ClaimProfile",
    "Context",
    "DocumentIdReused",
    "DocumentNotFound",
    "DocumentRefused",
    "DocumentSigned",
    "DocumentState",
    "DocumentView",
    "GiveMandate",
    "HandOver",
    "KeyFileMissing",
    "KeyKind",
    "KeyLocked",
    "MandateIdReused",
    "MandateNotFound",
    "MandateOver",
    "MandateRefused",
    "NewDocument",
    "NewSlot",
    "NoCertificate",
    "NoSlots",
    "NotAPost",
    "NotForOthers",
    "NotOnDuty",
    "NotTheAuthor",
    "NotYourTurn",
    "PinLocked",
    "Readiness",
    "RefuseDocument",
    "RegisterCertificate",
    "Report",
    "SignAnotherWay",
    "SignResult",
    "SignState",
    "SignatureReport",
    "SittingNotFound",
    "SittingState",
    "SittingView",
    "SlotState",
    "SlotView",
    "SoftwareSigner",
    "Step",
    "TrustList",
    "UnknownFormat",
    "UnlockView",
    "WrongDocumentState",
    "WrongPin",
    "best_copies",
    "best_sha256",
    "cancel_sitting",
    "context_for",
    "context_of",
    "documents_of_patient",
    "documents_of_subject",
    "end_mandate",
    "find_by_code",
    "find_by_hash",
    "finish_remote",
    "get_document",
    "get_sitting",
    "give_mandate",
    "hand_over",
    "inbox",
    "inbox_for_others",
    "is_unlocked",
    "leaders_on_duty",
    "list_certificates",
    "live_sitting",
    "lock",
    "mandates_of",
    "new_code",
    "open_pkcs12",
    "organisation_signer",
    "owed_of",
    "prepare_document",
    "read_code",
    "readiness",
    "recall_document",
    "refuse_document",
    "register_certificate",
    "release_seal",
    "sign_documents",
    "sign_xml_claim",
    "sign_xml_enveloped",
    "sign_xml_invoice",
    "signer_for",
    "sitting_page",
    "start_remote",
    "steps_of",
    "unlock",
    "use_roster",
    "verify_file",
    "verify_offline",
    "verify_pdf",
    "verify_xml",
    "xml_to_sign",
    "xml_with_value",
]
