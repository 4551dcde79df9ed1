"""E-invoices: series, invoices, what they cover, what happened to them; papers that were kept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "billing_invoice_series",
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("next_number", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("kind", "symbol", name="pk_billing_invoice_series"),
        sa.CheckConstraint(
            "next_number BETWEEN 1 AND 100000000",
            name=op.f("ck_billing_invoice_series_next_number_in_8_digits"),
        ),
        sa.CheckConstraint(
            "symbol ~ '^[CK][0-9]{2}[TDLMNBGHXF][A-Z]{2}$'",
            name=op.f("ck_billing_invoice_series_symbol_formed"),
        ),
        sa.CheckConstraint("kind IN (1, 2)", name=op.f("ck_billing_invoice_series_kind_known")),
    )
    create_invoice()
    create_coverage()
    create_work_lists()
    create_paper()
    freeze()


def create_invoice() -> None:
    op.create_table(
        "billing_invoice",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("number", sa.Integer),
        sa.Column("issued_on", sa.Date),
        sa.Column("content", JSONB, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("relates_to", sa.Uuid),
        sa.Column("relation", sa.Text),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("format_version", sa.Text, nullable=False),
        sa.Column("legal_basis", sa.Text, nullable=False),
        sa.Column("tax_code", sa.Text, nullable=False, server_default=""),
        sa.Column("signed_sha256", sa.Text),
        sa.Column("archived_sha256", sa.Text),
        sa.Column("view_sha256", sa.Text),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("tried_at", MOMENT),
        sa.Column("leased_until", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("signed_at", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("coded_at", MOMENT),
        sa.Column("verified_at", MOMENT),
        sa.Column("delivered_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_billing_invoice"),
        sa.UniqueConstraint("kind", "symbol", "number", name="uq_billing_invoice_number"),
        sa.ForeignKeyConstraint(["relates_to"], ["billing_invoice.id"], name="fk_billing_invoice_relates_to"),
        *checks(
            "billing_invoice",
            kind_known="kind IN (1, 2)",
            state_known="state IN ('created', 'signed', 'sent', 'coded', 'delivered')",
            scope_known="scope IN ('individual', 'aggregate', 'correction')",
            number_with_day="(number IS NULL) = (issued_on IS NULL)",
            number_in_8_digits="number BETWEEN 1 AND 99999999",
            signed_has_number="state = 'created' OR (number IS NOT NULL AND signed_sha256 IS NOT NULL)",
            coded_is_verified=(
                "state NOT IN ('coded', 'delivered') OR (archived_sha256 IS NOT NULL AND verified_at IS NOT NULL)"
            ),
            coded_has_code="state NOT IN ('coded', 'delivered') OR symbol NOT LIKE 'C%' OR tax_code <> ''",
            relation_named="(relates_to IS NULL) = (relation IS NULL)",
            relation_known="relation IN ('adjusts', 'replaces')",
            original_above_zero="relation IS NOT NULL OR total > 0",
        ),
    )
    op.create_index(
        "ix_billing_invoice_waiting",
        "billing_invoice",
        ["state"],
        postgresql_where=sa.text("state <> 'delivered'"),
    )
    op.create_index("ix_billing_invoice_created_at", "billing_invoice", ["created_at"])


def create_coverage() -> None:
    op.create_table(
        "billing_invoice_receipt",
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("receipt_id", sa.Uuid, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False, server_default="true"),
        sa.PrimaryKeyConstraint("invoice_id", "receipt_id", name="pk_billing_invoice_receipt"),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["billing_invoice.id"], name="fk_billing_invoice_receipt_invoice_id"
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["billing_receipt.id"], name="fk_billing_invoice_receipt_receipt_id"
        ),
    )
    op.create_index(
        "uq_billing_invoice_receipt_live",
        "billing_invoice_receipt",
        ["receipt_id"],
        unique=True,
        postgresql_where=sa.text("live"),
    )
    op.create_table(
        "billing_invoice_episode",
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("episode_id", sa.Uuid, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False, server_default="true"),
        sa.PrimaryKeyConstraint("invoice_id", "episode_id", name="pk_billing_invoice_episode"),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["billing_invoice.id"], name="fk_billing_invoice_episode_invoice_id"
        ),
        *checks("billing_invoice_episode", amount_not_zero="amount <> 0"),
    )
    op.create_index("ix_billing_invoice_episode_episode_id", "billing_invoice_episode", ["episode_id"])


def create_work_lists() -> None:
    op.create_table(
        "billing_invoice_wish",
        sa.Column("episode_id", sa.Uuid, nullable=False),
        sa.Column("buyer", JSONB, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("asked_by", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("episode_id", name="pk_billing_invoice_wish"),
    )
    op.create_table(
        "billing_invoice_due",
        sa.Column("episode_id", sa.Uuid, nullable=False),
        sa.Column("patient_id", sa.Uuid, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("episode_id", name="pk_billing_invoice_due"),
    )
    op.create_index("ix_billing_invoice_due_day", "billing_invoice_due", ["day"])
    op.create_table(
        "billing_invoice_event",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("detail", JSONB, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_billing_invoice_event"),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["billing_invoice.id"], name="fk_billing_invoice_event_invoice_id"
        ),
    )
    op.create_index("ix_billing_invoice_event_invoice_id", "billing_invoice_event", ["invoice_id"])


def create_paper() -> None:
    op.create_table(
        "billing_paper",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_billing_paper"),
        sa.UniqueConstraint("kind", "subject_id", name="uq_billing_paper_kind_subject_id"),
        *checks("billing_paper", kind_known="kind IN ('receipt', 'bill')"),
    )
    op.execute("REVOKE UPDATE, DELETE ON billing_paper FROM lanh_app")


def freeze() -> None:
    """A number, once given, stays; a content, once coded, stays; nothing is deleted."""
    op.execute(
        """
        CREATE FUNCTION billing_invoice_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'UPDATE' THEN
                RAISE EXCEPTION 'an invoice is never deleted' USING ERRCODE = 'restrict_violation';
            END IF;
            IF OLD.number IS NOT NULL AND (NEW.kind, NEW.symbol, NEW.number, NEW.issued_on)
                IS DISTINCT FROM (OLD.kind, OLD.symbol, OLD.number, OLD.issued_on) THEN
                RAISE EXCEPTION 'a numbered invoice keeps its number' USING ERRCODE = 'restrict_violation';
            END IF;
            IF OLD.state IN ('coded', 'delivered') AND (NEW.content, NEW.total, NEW.tax_code, NEW.archived_sha256)
                IS DISTINCT FROM (OLD.content, OLD.total, OLD.tax_code, OLD.archived_sha256) THEN
                RAISE EXCEPTION 'a coded invoice is never changed' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER billing_invoice_frozen BEFORE UPDATE OR DELETE ON billing_invoice "
        "FOR EACH ROW EXECUTE FUNCTION billing_invoice_frozen()"
    )
    op.execute(
        "CREATE TRIGGER billing_invoice_kept BEFORE TRUNCATE ON billing_invoice "
        "FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
    )
    op.execute(
        "CREATE TRIGGER billing_invoice_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_invoice_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
    )
    op.execute("REVOKE DELETE ON billing_invoice, billing_invoice_series FROM lanh_app")
    op.execute("REVOKE UPDATE, DELETE ON billing_invoice_event FROM lanh_app")


def checks(table: str, **conditions: str) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(text, name=op.f(f"ck_{table}_{name}")) for name, text in conditions.items()]
