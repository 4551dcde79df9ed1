"""Settings of the house itself; each package has a Struct like this one."""

from pathlib import Path

from msgspec import Struct, field

from kernel.facility import Facility


class KernelSettings(Struct, frozen=True):
    facility: Facility = field(default_factory=Facility)
    data_dir: Path = Path("data")
    base_url: str = "http://127.0.0.1:8000"
    """How people reach us; printed in QR codes of the verify page."""
    demo: bool = False
    """Marks every payment QR and page BẢN CHẠY THỬ."""
    secret: str = ""
    """Signs CSRF tokens; made and kept in the data folder when empty."""
    secure_cookies: bool = False
    """True behind HTTPS."""
    session_hours: int = 12
    session_idle_minutes: int = 120
    sign_in_tries: int = 5
    sign_in_lock_minutes: int = 10
    argon2_memory_kib: int = 65_536
    argon2_rounds: int = 3
    inline_worker: bool = True
    """Run the job worker inside the web process (a small site); a hospital starts `hospital worker`."""
    cpu_workers: int = 1
    """Processes for PDF work; 0 runs it in the web process (tests)."""
    object_store: str = ""
    """Empty: the data folder; else an S3 address s3://bucket/prefix."""
    s3_endpoint: str = ""
    s3_region: str = "us-east-1"
    s3_access_key: str = ""
    s3_secret_key: str = ""
    s3_allow_http: bool = False
    pool_size: int = 10
    proxy_header: str = ""
    """Header that names the client's address behind our reverse proxy, such as X-Forwarded-For; empty: the socket's."""
    metrics_token: str = ""
    """Lets another machine read /metrics ("Authorization: Bearer …"); empty: this machine only."""
    log_level: str = "INFO"
