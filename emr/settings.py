"""Settings of emr, read from HOSPITAL_EMR_* by hospital."""

from msgspec import Struct


class EmrSettings(Struct, frozen=True):
    """Defaults are the safe values."""

    forms_on: tuple[str, ...] = ()
    """Forms that come switched off and are used here, such as 15-BV1."""
    forms_folder: str = ""
    """Folder of the facility's own forms and additions (TOML): they add, they never remove (TT 25/2025 Đ3 k2)."""
    outpatient_record_required: bool = False
    """True: a visit that prescribes needs bệnh án ngoại trú 15/BV1 (R-18; the law is read both ways)."""
    emergency_access_minutes: int = 240
    """How long a record that was opened in an emergency stays open to who opened it."""
    prescriber_licence_required: bool = True
    """A prescription is completed only by a person with a practice licence number (TT 26/2025 Đ2)."""
    scan_bytes_maximum: int = 30_000_000
    scan_pages_maximum: int = 60
    """Largest scan of paper that is converted (NĐ 137/2024 Đ4)."""
    prescription_days: int = 30
    """Most days of one prescription (TT 26/2025 Đ6 k8)."""
    prescription_long_days: int = 90
    """Most days for a diagnosis of appendix VII."""
    prescription_long_codes: tuple[str, ...] = ()
    """ICD-10 codes of appendix VII of TT 26/2025. The list was not obtained: empty until the pharmacy loads it."""
    prescription_collect_days: int = 5
    """Days to collect the drugs, the day of prescribing included (TT 26/2025 Đ12 k9 b; read both ways)."""
