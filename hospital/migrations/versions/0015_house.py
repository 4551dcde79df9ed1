"""What the hospital's counters and wards still lacked."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Cards to look up later, records opened in an emergency, what nurses measure."""
    op.execute("CREATE INDEX ix_emr_visit_insured ON emr_visit (opened_at) WHERE payer = 'BHYT'")
    _emergency_access()
    _vitals()


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
