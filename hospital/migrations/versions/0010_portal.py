"""Patient accounts, bookings, consents, telehealth requests, lobby devices."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STAFF = "kernel_staff_account.id"
PATIENT = "emr_patient.id"


def upgrade() -> None:
    _booking()
    _accounts()
    _consents()
    _telehealth()
    _kiosk()


def _needed(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _booking() -> None:
    op.create_table(
        "portal_schedule",
        _needed("id", sa.Uuid()),
        _needed("department", sa.Text()),
        _needed("department_name", sa.Text()),
        _needed("room", sa.Text()),
        _needed("room_name", sa.Text()),
        _needed("practitioner_id", sa.Uuid()),
        _needed("practitioner_name", sa.Text()),
        _needed("service_code", sa.Text()),
        _needed("starts_at", MOMENT),
        _needed("ends_at", MOMENT),
        _needed("slot_minutes", sa.Integer()),
        _needed("opened_at", MOMENT),
        sa.Column("closed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_portal_schedule"),
        sa.ForeignKeyConstraint(["practitioner_id"], [STAFF], name="fk_portal_schedule_practitioner_id"),
        sa.CheckConstraint("starts_at < ends_at", name="order"),
        sa.CheckConstraint("slot_minutes BETWEEN 5 AND 240", name="slot_minutes"),
    )
    # GiST knows no uuid without an extension: two halves of the number stand for it as ranges of one.
    op.execute(
        """
        ALTER TABLE portal_schedule ADD CONSTRAINT ex_portal_schedule_practitioner EXCLUDE USING gist (
            numrange(hashtextextended(practitioner_id::text, 1)::numeric,
                     hashtextextended(practitioner_id::text, 1)::numeric, '[]') WITH &&,
            tstzrange(starts_at, ends_at) WITH &&
        ) WHERE (closed_at IS NULL)
        """
    )
    op.create_table(
        "portal_slot",
        _needed("id", sa.Uuid()),
        _needed("schedule_id", sa.Uuid()),
        _needed("department", sa.Text()),
        _needed("day", sa.Date()),
        _needed("starts_at", MOMENT),
        _needed("ends_at", MOMENT),
        _needed("capacity", sa.Integer()),
        sa.Column("taken", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("closed", sa.Boolean(), nullable=False, server_default="false"),
        sa.PrimaryKeyConstraint("id", name="pk_portal_slot"),
        sa.ForeignKeyConstraint(["schedule_id"], ["portal_schedule.id"], name="fk_portal_slot_schedule_id"),
        sa.UniqueConstraint("schedule_id", "starts_at", name="uq_portal_slot_schedule_id_starts_at"),
        sa.CheckConstraint("capacity > 0", name="capacity"),
        sa.CheckConstraint("taken BETWEEN 0 AND capacity", name="taken"),
    )
    op.create_index("ix_portal_slot_department_starts_at", "portal_slot", ["department", "starts_at"])
    # The counter moves all day: room on the page keeps its updates away from the indexes.
    op.execute("ALTER TABLE portal_slot SET (fillfactor = 50)")
    op.create_table(
        "portal_booking",
        _needed("id", sa.Uuid()),
        _needed("code", sa.Text()),
        _needed("slot_id", sa.Uuid()),
        _needed("patient_id", sa.Uuid()),
        _needed("account_id", sa.Uuid()),
        _needed("department", sa.Text()),
        _needed("day", sa.Date()),
        _needed("reason", sa.Text()),
        _needed("state", sa.Text()),
        _needed("booked_at", MOMENT),
        sa.Column("cancelled_at", MOMENT),
        sa.Column("moved_from", sa.Uuid()),
        sa.Column("visit_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("id", name="pk_portal_booking"),
        sa.UniqueConstraint("code", name="uq_portal_booking_code"),
        sa.ForeignKeyConstraint(["slot_id"], ["portal_slot.id"], name="fk_portal_booking_slot_id"),
        sa.ForeignKeyConstraint(["patient_id"], [PATIENT], name="fk_portal_booking_patient_id"),
        sa.ForeignKeyConstraint(["moved_from"], ["portal_booking.id"], name="fk_portal_booking_moved_from"),
        sa.CheckConstraint("state IN ('BOOKED', 'CANCELLED', 'ARRIVED')", name="state"),
        sa.CheckConstraint("code ~ '^LH[2-9A-HJ-NP-Z]{10}$'", name="code"),
        sa.CheckConstraint("(state = 'CANCELLED') = (cancelled_at IS NOT NULL)", name="cancelled"),
        sa.CheckConstraint("(state = 'ARRIVED') = (visit_id IS NOT NULL)", name="arrived"),
    )
    op.create_index("ix_portal_booking_slot_id", "portal_booking", ["slot_id"])
    op.create_index("ix_portal_booking_patient_id", "portal_booking", ["patient_id"])
    op.create_index(
        "uq_portal_booking_patient_day_department",
        "portal_booking",
        ["patient_id", "day", "department"],
        unique=True,
        postgresql_where=sa.text("state <> 'CANCELLED'"),
    )


def _accounts() -> None:
    op.create_table(
        "portal_account",
        _needed("id", sa.Uuid()),
        _needed("patient_id", sa.Uuid()),
        _needed("created_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_portal_account"),
        sa.UniqueConstraint("patient_id", name="uq_portal_account_patient_id"),
        sa.ForeignKeyConstraint(["patient_id"], [PATIENT], name="fk_portal_account_patient_id"),
    )
    op.create_table(
        "portal_code_request",
        _needed("id", sa.Uuid()),
        _needed("phone", sa.Text()),
        sa.Column("ip", pg.INET()),
        sa.Column("code_hash", sa.LargeBinary()),
        _needed("asked_at", MOMENT),
        _needed("expires_at", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("birth_tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("step_hash", sa.LargeBinary()),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_portal_code_request"),
        sa.CheckConstraint("tries >= 0 AND birth_tries >= 0", name="tries"),
    )
    op.create_index("ix_portal_code_request_phone_asked_at", "portal_code_request", ["phone", "asked_at"])
    op.create_index("ix_portal_code_request_ip_asked_at", "portal_code_request", ["ip", "asked_at"])
    op.create_index("ix_portal_code_request_step_hash", "portal_code_request", ["step_hash"])
    op.create_table(
        "portal_device",
        _needed("id", sa.Uuid()),
        _needed("phone", sa.Text()),
        _needed("token_hash", sa.LargeBinary()),
        _needed("label", sa.Text()),
        _needed("remembered_at", MOMENT),
        _needed("expires_at", MOMENT),
        _needed("last_used_at", MOMENT),
        sa.Column("birth_tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("revoked_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_portal_device"),
        sa.UniqueConstraint("token_hash", name="uq_portal_device_token_hash"),
    )
    op.create_index("ix_portal_device_phone", "portal_device", ["phone"])
    op.create_table(
        "portal_session",
        _needed("id", sa.Uuid()),
        _needed("token_hash", sa.LargeBinary()),
        _needed("account_id", sa.Uuid()),
        sa.Column("device_id", sa.Uuid()),
        _needed("phone", sa.Text()),
        sa.Column("ip", pg.INET()),
        _needed("started_at", MOMENT),
        _needed("last_seen_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_portal_session"),
        sa.UniqueConstraint("token_hash", name="uq_portal_session_token_hash"),
        sa.ForeignKeyConstraint(["account_id"], ["portal_account.id"], name="fk_portal_session_account_id"),
        sa.ForeignKeyConstraint(["device_id"], ["portal_device.id"], name="fk_portal_session_device_id"),
    )
    op.create_index("ix_portal_session_account_id", "portal_session", ["account_id"])


def _consents() -> None:
    op.create_table(
        "portal_consent",
        _needed("id", sa.Uuid()),
        _needed("patient_id", sa.Uuid()),
        _needed("account_id", sa.Uuid()),
        _needed("purpose", sa.Text()),
        _needed("given", sa.Boolean()),
        _needed("text_sha256", sa.Text()),
        _needed("channel", sa.Text()),
        sa.Column("ip", pg.INET()),
        _needed("at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_portal_consent"),
        sa.ForeignKeyConstraint(["patient_id"], [PATIENT], name="fk_portal_consent_patient_id"),
        sa.ForeignKeyConstraint(["account_id"], ["portal_account.id"], name="fk_portal_consent_account_id"),
        sa.CheckConstraint("text_sha256 ~ '^[0-9a-f]{64}$'", name="text_sha256"),
    )
    op.create_index(
        "ix_portal_consent_patient_id_purpose_at", "portal_consent", ["patient_id", "purpose", "at"]
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON portal_consent FROM lanh_app")
    op.execute(
        "CREATE TRIGGER portal_consent_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON portal_consent"
        " FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
    )


def _telehealth() -> None:
    op.create_table(
        "portal_telehealth_request",
        _needed("id", sa.Uuid()),
        _needed("patient_id", sa.Uuid()),
        _needed("account_id", sa.Uuid()),
        _needed("remote_mode", sa.Text()),
        _needed("service_code", sa.Text()),
        _needed("reason", sa.Text()),
        _needed("representative", sa.Text()),
        _needed("price", sa.BigInteger()),
        _needed("price_accepted_at", MOMENT),
        _needed("phone", sa.Text()),
        _needed("device", sa.Text()),
        _needed("identified_how", sa.Text()),
        _needed("asked_at", MOMENT),
        _needed("state", sa.Text()),
        sa.Column("answer", sa.Text(), nullable=False, server_default=""),
        sa.Column("answered_by", sa.Uuid()),
        sa.Column("answered_name", sa.Text()),
        sa.Column("answered_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_portal_telehealth_request"),
        sa.ForeignKeyConstraint(["patient_id"], [PATIENT], name="fk_portal_telehealth_request_patient_id"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["portal_account.id"], name="fk_portal_telehealth_request_account_id"
        ),
        sa.ForeignKeyConstraint(["answered_by"], [STAFF], name="fk_portal_telehealth_request_answered_by"),
        sa.CheckConstraint(
            "state IN ('ASKED', 'ACCEPTED', 'REFUSED', 'WITHDRAWN')",
            name="state",
        ),
        sa.CheckConstraint(
            "remote_mode IN ('DIRECT_TO_PATIENT', 'VIA_RECEIVING_FACILITY', 'INTER_FACILITY_SUPPORT',"
            " 'TELECONSULT_MDT')",
            name="remote_mode",
        ),
        sa.CheckConstraint("price > 0", name="price"),
        sa.CheckConstraint(
            "state <> 'REFUSED' OR length(answer) > 0",
            name="refused_with_reason",
        ),
    )
    op.create_index(
        "uq_portal_telehealth_request_open",
        "portal_telehealth_request",
        ["patient_id"],
        unique=True,
        postgresql_where=sa.text("state = 'ASKED'"),
    )


def _kiosk() -> None:
    op.create_table(
        "kiosk_device",
        _needed("id", sa.Uuid()),
        _needed("name", sa.Text()),
        _needed("scope", sa.Text()),
        sa.Column("pairing_hash", sa.LargeBinary()),
        sa.Column("pairing_expires_at", MOMENT),
        sa.Column("token_hash", sa.LargeBinary()),
        _needed("added_by", sa.Uuid()),
        _needed("added_at", MOMENT),
        sa.Column("paired_at", MOMENT),
        sa.Column("last_seen_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_kiosk_device"),
        sa.UniqueConstraint("pairing_hash", name="uq_kiosk_device_pairing_hash"),
        sa.UniqueConstraint("token_hash", name="uq_kiosk_device_token_hash"),
        sa.ForeignKeyConstraint(["added_by"], [STAFF], name="fk_kiosk_device_added_by"),
        sa.CheckConstraint("scope IN ('CHECK_IN')", name="scope"),
    )
    op.create_table(
        "kiosk_arrival",
        _needed("id", sa.Uuid()),
        _needed("device_id", sa.Uuid()),
        _needed("patient_id", sa.Uuid()),
        _needed("identified_by", sa.Text()),
        sa.Column("card_number", sa.Text()),
        sa.Column("booking_id", sa.Uuid()),
        _needed("scanned_at", MOMENT),
        sa.Column("visit_id", sa.Uuid()),
        sa.Column("done_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_kiosk_arrival"),
        sa.ForeignKeyConstraint(["device_id"], ["kiosk_device.id"], name="fk_kiosk_arrival_device_id"),
        sa.ForeignKeyConstraint(["patient_id"], [PATIENT], name="fk_kiosk_arrival_patient_id"),
        sa.CheckConstraint("(visit_id IS NULL) = (done_at IS NULL)", name="done"),
        sa.CheckConstraint(
            "identified_by IN ('QR_CCCD', 'BHYT_CARD', 'BOOKING', 'TYPED')",
            name="identified_by",
        ),
    )
