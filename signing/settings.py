"""Settings of signing, read from HOSPITAL_SIGNING_* by hospital."""

from enum import StrEnum
from pathlib import Path

from signing.people.settings import PeopleSettings
from signing.xml import ClaimProfile


class CscAuth(StrEnum):
    BASIC = "basic"
    OAUTH2 = "oauth2"


class NumberPlace(StrEnum):
    """Where a certificate request carries the personal number or tax code."""

    UID = "uid"
    SERIAL_NUMBER = "serial_number"
    BOTH = "both"


class SigningSettings(PeopleSettings, frozen=True):
    """Defaults are the safe values. In the demo, what is empty is taken from the demo's own authority."""

    trust_file: Path | None = None
    """PEM with the roots we believe (national root, public CAs) and their issuing certificates."""
    keys_dir: Path | None = None
    """Folder of PKCS#12 files; empty: pki/keys in the data folder."""
    organisation_pin: str = ""
    """Opens the hospital's own key, in a file or in an HSM, so that a job can seal documents."""
    pkcs11_modules: tuple[Path, ...] = ()
    """PKCS#11 libraries of tokens and HSMs at the server; no other is ever loaded."""
    pkcs11_timeout_seconds: float = 10.0
    """How long one call to a token or HSM may take, and how long others wait for it."""
    tsa_urls: tuple[str, ...] = ()
    """RFC 3161 authorities, asked in this order."""
    tsa_timeout_seconds: float = 3.0
    status_timeout_seconds: float = 3.0
    status_keep_minutes: int = 60
    """How long an OCSP answer or CRL is used again."""
    block_when_status_unreachable: bool = False
    """TT 15/2025 PL II 1.2 asks for a warning; True refuses to sign instead."""
    allow_pkcs1: bool = False
    """Sign RSA with PKCS#1 v1.5, outside TT 15/2025; always reported."""
    request_number_in: NumberPlace = NumberPlace.UID
    """Attribute of a certificate request that names "CCCD:…" or "MST:…". UID is what certificates of Vietnamese public
    authorities show; no published text confirms what each wants in a request, so ask yours."""
    key_pin_minimum: int = 6
    """Shortest PIN of a key made here; TT 15/2025 names none."""
    idle_minutes: int = 15
    """An unlocked software key dies after this time without use."""
    rehearsal_keep_days: int = 30
    """A rehearsal older than this no longer says that a signer is ready."""
    rehearsal_free_bytes: int = 1_000_000_000
    """Free space below which a rehearsal says that there is no room for documents."""
    pin_tries: int = 5
    pin_lock_minutes: int = 15
    lease_seconds: int = 60
    """How long a document is held for one signature under way."""
    parallel_stamps: int = 20
    """Timestamp requests in flight in one batch; more hide no more of their way behind the rest of the work."""
    batch_maximum: int = 200
    reminder_hours: tuple[int, ...] = (4, 24, 72)
    """A signature owed is reminded of at each of these ages; at the last the head of the department is told too."""
    seal_release_hours: str = ""
    """Local hours, as "17:00-07:00", in which the leader on duty must release the organisation's seal for each document;
    empty: the seal follows the last personal signature at any hour."""
    token_room_bytes: int = 5_000
    """Place kept in the file for a timestamp token."""
    claim_profile: ClaimProfile = ClaimProfile.ENVELOPED_ROOT
    """What the signature of an insurance claim covers: the whole document, or the parts that carry an Id."""
    renew_before_days: int = 180
    """An archive copy is stamped once more this long before its last timestamp's certificates end."""
    verify_per_minute: int = 10
    """Checks of the public verify pages per address."""
    verify_bytes_maximum: int = 25_000_000
    csc_url: str = ""
    """Base of the remote signing service, up to and with "/csc/v1" (CSC API 1.0.4); empty: no remote signing."""
    csc_name: str = "ký từ xa"
    """The application in which people approve, as the pages call it."""
    csc_auth: CscAuth = CscAuth.BASIC
    """How we prove ourselves to the service: auth/login with user and password, or OAuth2 client credentials."""
    csc_user: str = ""
    csc_password: str = ""
    csc_client_id: str = ""
    csc_client_secret: str = ""
    csc_oauth_url: str = ""
    """Token endpoint of OAuth2; empty: oauth2/token below `csc_url`."""
    csc_timeout_seconds: float = 10.0
    csc_approval_seconds: int = 180
    """How long a person has to approve on the phone."""
    csc_poll_seconds: int = 3
    csc_check_path: str = "credentials/authorizeCheck"
    """Where a pending authorization is asked for. 1.0.4 names none: the name of version 2; a provider's may differ."""
    csc_callback_secret: str = ""
    """Signs the provider's callbacks (HMAC-SHA256); empty: callbacks are refused and we ask by ourselves."""
    csc_hashes_per_call: int = 50
    """Values asked for in one signatures/signHash; more are asked for after credentials/extendTransaction."""
    agent_port: int = 0
    """Port of `hospital token-agent` on the doctor's own PC; 0: no USB tokens at workstations."""
    agent_seconds: int = 300
    """How long a person has to put in the token and give its PIN."""
