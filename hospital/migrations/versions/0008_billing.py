"""Charges, accounts, ledger, payment requests, notices, receipts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MONEY_ROWS = ("billing_ledger_entry", "billing_ledger_posting", "billing_allocation", "billing_receipt")
APPEND_ONLY = (
    *MONEY_ROWS,
    "billing_evidence",
    "billing_price",
    "billing_request_charge",
    "billing_reference_key",
)
MOVING = {
    "billing_account": ("state", "due", "ended_at", "settled_at", "frozen_bill"),
    "billing_charge": ("paid_request_id", "released_at", "voided_at"),
    "billing_request": ("state", "received", "excess", "late", "closed_at", "closed_reason"),
    "billing_notice": ("verdict",),
    "billing_bank_transaction": ("state", "matched_at"),
    "billing_match_proposal": ("state", "decided_by", "decided_name", "decided_at"),
    "billing_shift": ("counted", "expected", "difference", "reason", "closed_at"),
    "billing_book": ("next_number",),
}


def moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    _catalogue()
    _accounts()
    _notices()
    _ledger()
    _matching()
    _receipts()
    _references()
    _guards()
    _balance()


def _catalogue() -> None:
    op.create_table(
        "billing_price",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date()),
        sa.CheckConstraint("kind IN ('BHYT', 'FEE', 'ON_DEMAND', 'FOREIGNER')", name="kind"),
        sa.CheckConstraint("amount >= 0", name="amount"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="days"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_price"),
        sa.UniqueConstraint(
            "service_code", "kind", "valid_from", name="uq_billing_price_service_code_kind_valid_from"
        ),
    )
    op.create_table(
        "billing_counter",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("code ~ '^[A-Z0-9]{1,8}$'", name="code"),
        sa.PrimaryKeyConstraint("code", name="pk_billing_counter"),
    )
    op.create_table(
        "billing_shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("cashier_id", sa.Uuid(), nullable=False),
        sa.Column("cashier_name", sa.Text(), nullable=False),
        sa.Column("opening_float", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", moment(), nullable=False),
        sa.Column("counted", sa.BigInteger()),
        sa.Column("expected", sa.BigInteger()),
        sa.Column("difference", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("closed_at", moment()),
        sa.CheckConstraint("(closed_at IS NULL) = (counted IS NULL)", name="closed"),
        sa.CheckConstraint("difference = 0 OR length(reason) >= 3", name="reason"),
        sa.CheckConstraint("opening_float >= 0 AND counted >= 0", name="amounts"),
        sa.ForeignKeyConstraint(["counter"], ["billing_counter.code"], name="fk_billing_shift_counter"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_shift"),
    )
    op.create_index(
        "uq_billing_shift_cashier",
        "billing_shift",
        ["cashier_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "uq_billing_shift_counter",
        "billing_shift",
        ["counter"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "billing_reference_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="one"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_reference_key"),
    )
    op.create_table(
        "billing_book",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("next_number > 0", name="next_number"),
        sa.PrimaryKeyConstraint("code", "year", name="pk_billing_book"),
    )


def _accounts() -> None:
    op.create_table(
        "billing_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", moment(), nullable=False),
        sa.Column("ended_at", moment()),
        sa.Column("settled_at", moment()),
        sa.Column("frozen_bill", pg.JSONB()),
        sa.CheckConstraint("(state = 'SETTLED') = (frozen_bill IS NOT NULL)", name="frozen"),
        sa.CheckConstraint("(state = 'SETTLED') = (settled_at IS NOT NULL)", name="settled"),
        sa.CheckConstraint("state IN ('OPEN', 'SETTLED')", name="state"),
        sa.CheckConstraint("due >= 0", name="due"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_account"),
        sa.UniqueConstraint("episode_id", name="uq_billing_account_episode_id"),
    )
    op.create_index(
        "ix_billing_account_due", "billing_account", ["opened_at"], postgresql_where=sa.text("due > 0")
    )
    op.create_index("ix_billing_account_patient_id", "billing_account", ["patient_id"])
    op.create_table(
        "billing_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("excess", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("masked_name", sa.Text(), nullable=False),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", moment(), nullable=False),
        sa.Column("closed_at", moment()),
        sa.Column("closed_reason", sa.Text(), nullable=False),
        sa.CheckConstraint("(state = 'OVERPAID') = (excess > 0)", name="overpaid"),
        sa.CheckConstraint("kind IN ('BILL', 'DEPOSIT')", name="kind"),
        sa.CheckConstraint("reference ~ '^VP[1-9][0-9]{10}$'", name="reference"),
        sa.CheckConstraint("state <> 'UNDERPAID' OR received < amount", name="underpaid"),
        sa.CheckConstraint(
            "state IN ('PENDING', 'PAID', 'UNDERPAID', 'OVERPAID', 'EXPIRED', 'CANCELLED')",
            name="state",
        ),
        sa.CheckConstraint(
            "amount > 0 AND received >= 0 AND excess >= 0 AND received <= amount",
            name="amounts",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["billing_account.id"], name="fk_billing_request_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_request"),
        sa.UniqueConstraint("reference", name="uq_billing_request_reference"),
    )
    op.create_index("ix_billing_request_account_id", "billing_request", ["account_id", "created_at"])
    op.create_index("ix_billing_request_counter", "billing_request", ["counter", "created_at"])
    op.create_index(
        "ix_billing_request_pending",
        "billing_request",
        ["expires_at"],
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_table(
        "billing_charge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("service_name", sa.Text(), nullable=False),
        sa.Column("service_group", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("insured_price", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("in_scope", sa.Boolean(), nullable=False),
        sa.Column("on_demand", sa.Boolean(), nullable=False),
        sa.Column("price_missing", sa.Boolean(), nullable=False),
        sa.Column("service_day", sa.Date(), nullable=False),
        sa.Column("placed_at", moment(), nullable=False),
        sa.Column("recorded_at", moment(), nullable=False),
        sa.Column("paid_request_id", sa.Uuid()),
        sa.Column("released_at", moment()),
        sa.Column("voided_at", moment()),
        sa.CheckConstraint("kind IN ('BHYT', 'FEE', 'ON_DEMAND', 'FOREIGNER')", name="kind"),
        sa.CheckConstraint("quantity > 0", name="quantity"),
        sa.CheckConstraint(
            "unit_price >= 0 AND insured_price >= 0 AND insured_price <= unit_price",
            name="prices",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["billing_account.id"], name="fk_billing_charge_account_id"),
        sa.ForeignKeyConstraint(
            ["paid_request_id"], ["billing_request.id"], name="fk_billing_charge_paid_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_billing_charge"),
    )
    op.create_index(
        "uq_billing_charge_order_id",
        "billing_charge",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("voided_at IS NULL"),
    )
    op.create_index("ix_billing_charge_account_id", "billing_charge", ["account_id"])
    op.create_table(
        "billing_request_charge",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["charge_id"], ["billing_charge.id"], name="fk_billing_request_charge_charge_id"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["billing_request.id"], name="fk_billing_request_charge_request_id"
        ),
        sa.PrimaryKeyConstraint("request_id", "charge_id", name="pk_billing_request_charge"),
    )
    op.create_index("ix_billing_request_charge_charge_id", "billing_request_charge", ["charge_id"])


def _notices() -> None:
    op.create_table(
        "billing_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("headers", pg.JSONB(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("received_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_billing_notice"),
    )
    op.create_index("ix_billing_notice_received_at", "billing_notice", ["received_at"])
    op.create_table(
        "billing_bank_transaction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("va", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("bank_name", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("structured_reference", sa.Text(), nullable=False),
        sa.Column("counterparty", sa.Text(), nullable=False),
        sa.Column("occurred_at", moment(), nullable=False),
        sa.Column("received_at", moment(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("matched_at", moment()),
        sa.CheckConstraint(
            "(state = 'IGNORED_OUT') = (direction = 'OUT' OR amount = 0)",
            name="ignored",
        ),
        sa.CheckConstraint("direction IN ('IN', 'OUT')", name="direction"),
        sa.CheckConstraint(
            "state IN ('RECEIVED', 'MATCHED', 'UNMATCHED', 'AMBIGUOUS', 'IGNORED_OUT')",
            name="state",
        ),
        sa.CheckConstraint("amount >= 0", name="amount"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_bank_transaction"),
    )
    op.create_index(
        "ix_billing_bank_transaction_open",
        "billing_bank_transaction",
        ["received_at"],
        postgresql_where=sa.text("state IN ('RECEIVED', 'UNMATCHED', 'AMBIGUOUS')"),
    )
    op.create_index(
        "uq_billing_bank_transaction_bank_reference",
        "billing_bank_transaction",
        ["account", "bank_reference", "amount", "direction"],
        unique=True,
        postgresql_where=sa.text("bank_reference <> ''"),
    )
    op.create_table(
        "billing_evidence",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("txn_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["billing_notice.id"], name="fk_billing_evidence_notice_id"),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["billing_bank_transaction.id"], name="fk_billing_evidence_transaction_id"
        ),
        sa.PrimaryKeyConstraint("notice_id", name="pk_billing_evidence"),
        sa.UniqueConstraint("provider", "txn_id", name="uq_billing_evidence_provider_txn_id"),
    )
    op.create_index("ix_billing_evidence_transaction_id", "billing_evidence", ["transaction_id"])


def _ledger() -> None:
    op.create_table(
        "billing_ledger_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("request_id", sa.Uuid()),
        sa.Column("transaction_id", sa.Uuid()),
        sa.Column("shift_id", sa.Uuid()),
        sa.Column("reverses_id", sa.Uuid()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.CheckConstraint("(kind = 'REVERSAL') = (reverses_id IS NOT NULL)", name="reverses"),
        sa.CheckConstraint(
            "kind IN ('PAYMENT', 'DEPOSIT', 'UNMATCHED', 'ATTACH', 'SETTLE', 'MOVE', 'REFUND', 'REVERSAL')",
            name="kind",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name="fk_billing_ledger_entry_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["billing_request.id"], name="fk_billing_ledger_entry_request_id"
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["billing_ledger_entry.id"], name="fk_billing_ledger_entry_reverses_id"
        ),
        sa.ForeignKeyConstraint(["shift_id"], ["billing_shift.id"], name="fk_billing_ledger_entry_shift_id"),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["billing_bank_transaction.id"], name="fk_billing_ledger_entry_transaction_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_billing_ledger_entry"),
        sa.UniqueConstraint("reverses_id", name="uq_billing_ledger_entry_reverses_id"),
    )
    op.create_index("ix_billing_ledger_entry_account_id", "billing_ledger_entry", ["account_id"])
    op.create_index("ix_billing_ledger_entry_transaction_id", "billing_ledger_entry", ["transaction_id"])
    op.create_table(
        "billing_ledger_posting",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "book IN ('CASH', 'BANK', 'SUSPENSE', 'PATIENT', 'FUND', 'REVENUE', 'DEPOSIT', 'EXCESS')",
            name="book",
        ),
        sa.CheckConstraint(
            "book NOT IN ('PATIENT', 'DEPOSIT', 'EXCESS') OR account_id IS NOT NULL",
            name="whose",
        ),
        sa.CheckConstraint("amount <> 0", name="amount"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name="fk_billing_ledger_posting_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["billing_ledger_entry.id"], name="fk_billing_ledger_posting_entry_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_billing_ledger_posting"),
    )
    op.create_index(
        "ix_billing_ledger_posting_account_book", "billing_ledger_posting", ["account_id", "book"]
    )
    op.create_index("ix_billing_ledger_posting_entry_id", "billing_ledger_posting", ["entry_id"])


def _matching() -> None:
    op.create_table(
        "billing_allocation",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("to_request", sa.BigInteger(), nullable=False),
        sa.Column("excess", sa.BigInteger(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.CheckConstraint("quality IN ('EXACT', 'REPAIRED', 'ATTACHED')", name="quality"),
        sa.CheckConstraint(
            "to_request >= 0 AND excess >= 0 AND to_request + excess > 0",
            name="amounts",
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["billing_ledger_entry.id"], name="fk_billing_allocation_entry_id"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["billing_request.id"], name="fk_billing_allocation_request_id"
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["billing_bank_transaction.id"], name="fk_billing_allocation_transaction_id"
        ),
        sa.PrimaryKeyConstraint("transaction_id", name="pk_billing_allocation"),
    )
    op.create_index("ix_billing_allocation_request_id", "billing_allocation", ["request_id"])
    op.create_table(
        "billing_match_proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_name", sa.Text(), nullable=False),
        sa.Column("proposed_at", moment(), nullable=False),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("decided_name", sa.Text(), nullable=False),
        sa.Column("decided_at", moment()),
        sa.CheckConstraint("(state = 'PROPOSED') = (decided_at IS NULL)", name="decided"),
        sa.CheckConstraint("state IN ('PROPOSED', 'CONFIRMED', 'REJECTED')", name="state"),
        sa.CheckConstraint("decided_by <> proposed_by", name="two_people"),
        sa.CheckConstraint("length(reason) >= 3", name="reason"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["billing_request.id"], name="fk_billing_match_proposal_request_id"
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["billing_bank_transaction.id"],
            name="fk_billing_match_proposal_transaction_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_billing_match_proposal"),
    )
    op.create_index(
        "uq_billing_match_proposal_open",
        "billing_match_proposal",
        ["transaction_id"],
        unique=True,
        postgresql_where=sa.text("state = 'PROPOSED'"),
    )


def _receipts() -> None:
    op.create_table(
        "billing_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid()),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("excess", sa.BigInteger(), nullable=False),
        sa.Column("cashier_name", sa.Text(), nullable=False),
        sa.Column("issued_at", moment(), nullable=False),
        sa.CheckConstraint("kind IN ('BILL', 'DEPOSIT', 'EXCESS')", name="kind"),
        sa.CheckConstraint("method IN ('CASH', 'TRANSFER')", name="method"),
        sa.CheckConstraint("amount > 0 AND excess >= 0 AND excess <= amount", name="amounts"),
        sa.ForeignKeyConstraint(["account_id"], ["billing_account.id"], name="fk_billing_receipt_account_id"),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["billing_ledger_entry.id"], name="fk_billing_receipt_entry_id"
        ),
        sa.ForeignKeyConstraint(["request_id"], ["billing_request.id"], name="fk_billing_receipt_request_id"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_receipt"),
        sa.UniqueConstraint("book", "year", "sequence", name="uq_billing_receipt_book_year_sequence"),
        sa.UniqueConstraint("entry_id", name="uq_billing_receipt_entry_id"),
    )
    op.create_index("ix_billing_receipt_account_id", "billing_receipt", ["account_id"])
    op.create_index("ix_billing_receipt_episode_id", "billing_receipt", ["episode_id"])
    op.create_index("ix_billing_receipt_patient_id", "billing_receipt", ["patient_id", "issued_at"])
    op.create_index("ix_billing_receipt_request_id", "billing_receipt", ["request_id"])
    op.create_table(
        "billing_screen",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("asked_at", moment(), nullable=False),
        sa.Column("paired_at", moment()),
        sa.Column("paired_by", sa.Uuid()),
        sa.Column("revoked_at", moment()),
        sa.CheckConstraint("code ~ '^[0-9]{6}$'", name="code"),
        sa.CheckConstraint("paired_at IS NULL OR paired_by IS NOT NULL", name="paired"),
        sa.ForeignKeyConstraint(["counter"], ["billing_counter.code"], name="fk_billing_screen_counter"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_screen"),
        sa.UniqueConstraint("token_hash", name="uq_billing_screen_token_hash"),
    )
    op.create_index(
        "uq_billing_screen_code",
        "billing_screen",
        ["code"],
        unique=True,
        postgresql_where=sa.text("paired_at IS NULL"),
    )


def _references() -> None:
    """Serials of payment references, and the key that scatters them: this installation's own."""
    op.execute("CREATE SEQUENCE billing_reference_serial MINVALUE 0 START 0 MAXVALUE 899999999 NO CYCLE")
    op.execute(
        "INSERT INTO billing_reference_key (id, key)"
        " VALUES (1, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))"
    )


def _guards() -> None:
    """Money rows are inserted once; other rows move only in the columns named above; nothing is deleted."""
    op.execute(
        """
        CREATE FUNCTION billing_only_moves() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'UPDATE' OR (to_jsonb(OLD) - TG_ARGV::text[]) <> (to_jsonb(NEW) - TG_ARGV::text[]) THEN
                RAISE EXCEPTION '%: % refused, only % may change', TG_TABLE_NAME, TG_OP, TG_ARGV
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM lanh_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION lanh_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER keep BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
        )
    for table, columns in MOVING.items():
        op.execute(f"REVOKE DELETE, TRUNCATE ON {table} FROM lanh_app")
        arguments = ", ".join(f"'{column}'" for column in columns)
        op.execute(
            f"CREATE TRIGGER only_moves BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION billing_only_moves({arguments})"
        )
        op.execute(
            f"CREATE TRIGGER keep BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
        )
    op.execute("REVOKE INSERT ON billing_reference_key FROM lanh_app")


def _balance() -> None:
    """At commit every entry has postings that sum to zero, and nobody got back more than was held for them."""
    op.execute(
        """
        CREATE FUNCTION billing_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE entry uuid; total numeric; sides bigint;
        BEGIN
            IF TG_TABLE_NAME = 'billing_ledger_entry' THEN entry := NEW.id; ELSE entry := NEW.entry_id; END IF;
            SELECT sum(amount), count(*) INTO total, sides FROM billing_ledger_posting WHERE entry_id = entry;
            IF sides < 2 OR total <> 0 THEN
                RAISE EXCEPTION 'ledger entry % does not balance', entry
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_billing_ledger_entry_balances';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION billing_held_money() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT sum(amount) FROM billing_ledger_posting
                WHERE account_id = NEW.account_id AND book = NEW.book) > 0 THEN
                RAISE EXCEPTION 'account % gives back more than it holds in %', NEW.account_id, NEW.book
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_billing_ledger_posting_held';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table in ("billing_ledger_entry", "billing_ledger_posting"):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION billing_entry_balances()"
        )
    op.execute(
        "CREATE CONSTRAINT TRIGGER held AFTER INSERT ON billing_ledger_posting DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW WHEN (NEW.amount > 0 AND NEW.book IN ('DEPOSIT', 'EXCESS'))"
        " EXECUTE FUNCTION billing_held_money()"
    )
