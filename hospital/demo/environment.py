"""The settings of a demo hospital: the fake outside world in place of bank, tax office, gateway and TSA."""

import json
import os
from pathlib import Path

from hospital.demo.known import DEMO_PIN
from hospital.demo.outside.credentials import BANK_SECRET, CSC_CALLBACK_SECRET, CSC_PASSWORD, CSC_USER


def demo_environment(
    data_dir: Path, *, database_url: str, owner_url: str, base_url: str, outside_url: str
) -> dict[str, str]:
    """Return the whole environment of a demo process. A person's own HOSPITAL_ variables win."""
    ours = {
        "HOSPITAL_DEMO": "true",
        "HOSPITAL_DATA_DIR": str(data_dir),
        "HOSPITAL_BASE_URL": base_url,
        "DATABASE_URL": database_url,
        "HOSPITAL_OWNER_URL": owner_url,
        "LANH_OUTSIDE_URL": outside_url,
        "HOSPITAL_BILLING_INVOICE_AUTHORITY_FILE": str(data_dir / "outside" / "authority.pem"),
    }
    ours["HOSPITAL_SIGNING_PEOPLE_INK_KEY_FILE"] = str(data_dir / "pki" / "ink.pem")
    ours |= outside_settings(outside_url)
    theirs = {name: value for name, value in os.environ.items() if name.startswith("HOSPITAL_")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOSPITAL_")}
    return kept | ours | theirs


def outside_settings(outside_url: str) -> dict[str, str]:
    """Settings that point each adapter at the fake outside world; one line a package."""
    return {
        "HOSPITAL_BILLING_SEPAY_SECRET": BANK_SECRET,
        "HOSPITAL_BILLING_INVOICE_PROVIDER_URL": f"{outside_url}/outside/invoices",
        "HOSPITAL_BILLING_INVOICE_PROVIDER_TOKEN": "demo-invoice-token",
        "HOSPITAL_BILLING_INVOICE_PROVIDER_NAME": "Nhà cung cấp chạy thử",
        "HOSPITAL_BILLING_INVOICE_POLICY": "each_payment",
        "HOSPITAL_PORTAL_SMS_URL": f"{outside_url}/outside/sms/messages",
        "HOSPITAL_PORTAL_SMS_KEY": "demo-sms-key",
        "HOSPITAL_PORTAL_TELEHEALTH_SERVICES": '["KB01"]',
        "HOSPITAL_PORTAL_TELEHEALTH_PRICE": "150000",
        "HOSPITAL_SIGNING_TSA_URLS": json.dumps([f"{outside_url}/outside/pki/tsa"]),
        "HOSPITAL_SIGNING_ORGANISATION_PIN": DEMO_PIN,
        "HOSPITAL_SIGNING_CSC_URL": f"{outside_url}/outside/csc/csc/v1",
        "HOSPITAL_SIGNING_CSC_NAME": "Ký từ xa (chạy thử)",
        "HOSPITAL_SIGNING_CSC_USER": CSC_USER,
        "HOSPITAL_SIGNING_CSC_PASSWORD": CSC_PASSWORD,
        "HOSPITAL_SIGNING_CSC_CALLBACK_SECRET": CSC_CALLBACK_SECRET,
        "HOSPITAL_SIGNING_AGENT_PORT": "47111",
        "HOSPITAL_SIGNING_PEOPLE_SMS_URL": f"{outside_url}/outside/sms/messages",
        "HOSPITAL_SIGNING_PEOPLE_SMS_KEY": "demo-sms-key",
        "HOSPITAL_SIGNING_PEOPLE_READER_URL": f"{outside_url}/outside/fingerprint/matches",
        "HOSPITAL_SIGNING_PEOPLE_READER_KEY": "demo-people-key",
        "HOSPITAL_SIGNING_PEOPLE_IDENTITY_URL": f"{outside_url}/outside/identity/authentications",
        "HOSPITAL_SIGNING_PEOPLE_IDENTITY_KEY": "demo-people-key",
    }
