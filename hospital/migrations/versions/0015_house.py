"""What the hospital's counters and wards still lacked."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Cards to look up later, records opened in an emergency, what nurses measure, money given back."""
    op.execute("CREATE INDEX ix_emr_visit_insured ON emr_visit (opened_at) WHERE payer = 'BHYT'")
    _emergency_access()
    _vitals()
    _refunds()


def _emergency_access() -> None:
    op.execute("""
        CREATE TABLE emr_emergency_access (
            id UUID NOT NULL,
            staff_id UUID NOT NULL,
            staff_name TEXT NOT NULL,
            department_code TEXT NOT NULL,
            patient_id UUID NOT NULL,
            reason TEXT NOT NULL,
            opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
            until TIMESTAMP WITH TIME ZONE NOT NULL,
            reviewed_at TIMESTAMP WITH TIME ZONE,
            reviewed_by UUID,
            reviewed_name TEXT NOT NULL,
            justified BOOLEAN,
            review_note TEXT NOT NULL,
            CONSTRAINT pk_emr_emergency_access PRIMARY KEY (id),
            CONSTRAINT ck_emr_emergency_access_until CHECK (until > opened_at),
            CONSTRAINT ck_emr_emergency_access_reason CHECK (length(reason) >= 10),
            CONSTRAINT ck_emr_emergency_access_reviewed CHECK ((reviewed_at IS NULL) = (justified IS NULL)),
            CONSTRAINT ck_emr_emergency_access_second_person CHECK (reviewed_by <> staff_id),
            CONSTRAINT fk_emr_emergency_access_staff_id_kernel_staff_account
                FOREIGN KEY (staff_id) REFERENCES kernel_staff_account (id),
            CONSTRAINT fk_emr_emergency_access_patient_id_emr_patient
                FOREIGN KEY (patient_id) REFERENCES emr_patient (id)
        )
    """)
    op.execute("""
        CREATE INDEX ix_emr_emergency_access_staff_patient
            ON emr_emergency_access (staff_id, patient_id, until)
    """)
    op.execute("""
        CREATE INDEX ix_emr_emergency_access_open ON emr_emergency_access (opened_at)
            WHERE reviewed_at IS NULL
    """)
    op.execute("REVOKE DELETE ON emr_emergency_access FROM lanh_app")


def _vitals() -> None:
    op.execute("""
        CREATE TABLE emr_vitals (
            id UUID NOT NULL,
            visit_id UUID NOT NULL,
            patient_id UUID NOT NULL,
            pulse INTEGER,
            temperature NUMERIC(4, 1),
            systolic INTEGER,
            diastolic INTEGER,
            respiration INTEGER,
            spo2 INTEGER,
            weight NUMERIC(5, 1),
            height NUMERIC(5, 1),
            note TEXT NOT NULL,
            taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
            recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
            staff_id UUID NOT NULL,
            staff_name TEXT NOT NULL,
            voided_at TIMESTAMP WITH TIME ZONE,
            voided_by UUID,
            void_reason TEXT NOT NULL,
            CONSTRAINT pk_emr_vitals PRIMARY KEY (id),
            CONSTRAINT ck_emr_vitals_something CHECK
                (coalesce(pulse, temperature, systolic, respiration, spo2, weight, height) IS NOT NULL),
            CONSTRAINT ck_emr_vitals_both_pressures CHECK ((systolic IS NULL) = (diastolic IS NULL)),
            CONSTRAINT ck_emr_vitals_pressures CHECK (systolic > diastolic),
            CONSTRAINT ck_emr_vitals_voided CHECK ((voided_at IS NULL) = (void_reason = '')),
            CONSTRAINT fk_emr_vitals_visit_id_emr_visit FOREIGN KEY (visit_id) REFERENCES emr_visit (id),
            CONSTRAINT fk_emr_vitals_patient_id_emr_patient FOREIGN KEY (patient_id) REFERENCES emr_patient (id)
        )
    """)
    op.execute("CREATE INDEX ix_emr_vitals_visit_id_taken_at ON emr_vitals (visit_id, taken_at)")
    op.execute("CREATE INDEX ix_emr_vitals_patient_id_taken_at ON emr_vitals (patient_id, taken_at)")
    op.execute("REVOKE DELETE ON emr_vitals FROM lanh_app")


def _refunds() -> None:
    op.execute("ALTER TABLE billing_receipt DROP CONSTRAINT ck_billing_receipt_kind")
    op.execute("""
        ALTER TABLE billing_receipt ADD CONSTRAINT ck_billing_receipt_kind
            CHECK (kind IN ('BILL', 'DEPOSIT', 'EXCESS', 'REFUND'))
    """)
    op.execute("""
        CREATE TABLE billing_refund (
            id UUID NOT NULL,
            account_id UUID NOT NULL,
            episode_id UUID NOT NULL,
            patient_id UUID NOT NULL,
            receipt_id UUID NOT NULL,
            source TEXT NOT NULL,
            method TEXT NOT NULL,
            amount BIGINT NOT NULL,
            reason TEXT NOT NULL,
            to_bank TEXT NOT NULL,
            to_account TEXT NOT NULL,
            to_holder TEXT NOT NULL,
            state TEXT NOT NULL,
            requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
            requested_by UUID NOT NULL,
            requested_name TEXT NOT NULL,
            decided_at TIMESTAMP WITH TIME ZONE,
            decided_by UUID,
            decided_name TEXT NOT NULL,
            decision_note TEXT NOT NULL,
            sent_at TIMESTAMP WITH TIME ZONE,
            sent_name TEXT NOT NULL,
            bank_reference TEXT NOT NULL,
            closed_at TIMESTAMP WITH TIME ZONE,
            failure TEXT NOT NULL,
            entry_id UUID,
            CONSTRAINT pk_billing_refund PRIMARY KEY (id),
            CONSTRAINT uq_billing_refund_entry_id UNIQUE (entry_id),
            CONSTRAINT ck_billing_refund_source CHECK (source IN ('DEPOSIT', 'EXCESS')),
            CONSTRAINT ck_billing_refund_method CHECK (method IN ('CASH', 'TRANSFER')),
            CONSTRAINT ck_billing_refund_state
                CHECK (state IN ('REQUESTED', 'APPROVED', 'REJECTED', 'SENT', 'CONFIRMED', 'FAILED')),
            CONSTRAINT ck_billing_refund_amount CHECK (amount > 0),
            CONSTRAINT ck_billing_refund_second_person CHECK (decided_by <> requested_by),
            CONSTRAINT ck_billing_refund_decided CHECK (state IN ('REQUESTED') OR decided_by IS NOT NULL),
            CONSTRAINT ck_billing_refund_posted
                CHECK ((state IN ('SENT', 'CONFIRMED', 'FAILED')) = (entry_id IS NOT NULL)),
            CONSTRAINT ck_billing_refund_where CHECK (method = 'CASH' OR (to_account <> '' AND to_holder <> '')),
            CONSTRAINT fk_billing_refund_account_id_billing_account
                FOREIGN KEY (account_id) REFERENCES billing_account (id),
            CONSTRAINT fk_billing_refund_receipt_id_billing_receipt
                FOREIGN KEY (receipt_id) REFERENCES billing_receipt (id),
            CONSTRAINT fk_billing_refund_entry_id_billing_ledger_entry
                FOREIGN KEY (entry_id) REFERENCES billing_ledger_entry (id)
        )
    """)
    op.execute("CREATE INDEX ix_billing_refund_account_id ON billing_refund (account_id)")
    op.execute("""
        CREATE INDEX ix_billing_refund_open ON billing_refund (requested_at)
            WHERE state IN ('REQUESTED', 'APPROVED', 'SENT')
    """)
    op.execute("REVOKE DELETE ON billing_refund FROM lanh_app")
