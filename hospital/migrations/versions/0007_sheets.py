"""Record sheets and prescriptions."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LOCKED_CHILDREN = ("emr_sheet_diagnosis", "emr_sheet_order", "emr_prescription", "emr_prescription_line")


def upgrade() -> None:
    _sheets()
    _prescriptions()
    _lock_sheets()
    _lock_children()
    _lock_orders()
    op.execute("REVOKE DELETE ON emr_sheet, emr_prescription FROM lanh_app")


def _sheets() -> None:
    op.execute("""
        CREATE TABLE emr_sheet (
            id UUID NOT NULL,
            visit_id UUID NOT NULL,
            episode_id UUID NOT NULL,
            patient_id UUID NOT NULL,
            form_code TEXT NOT NULL,
            form_valid_from DATE NOT NULL,
            stage TEXT NOT NULL,
            version INTEGER NOT NULL,
            supersedes UUID,
            reason TEXT NOT NULL,
            state TEXT NOT NULL,
            revision INTEGER NOT NULL,
            data JSONB NOT NULL,
            code TEXT NOT NULL,
            event_at TIMESTAMP WITH TIME ZONE,
            opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
            opened_by UUID NOT NULL,
            opened_name TEXT NOT NULL,
            saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
            saved_by UUID NOT NULL,
            completed_at TIMESTAMP WITH TIME ZONE,
            completed_by UUID,
            completed_name TEXT NOT NULL,
            document_id UUID,
            sha256 TEXT,
            pages INTEGER NOT NULL,
            author_signed_at TIMESTAMP WITH TIME ZONE,
            signed_at TIMESTAMP WITH TIME ZONE,
            signed_sha256 TEXT,
            refused_reason TEXT NOT NULL,
            cancelled_at TIMESTAMP WITH TIME ZONE,
            cancelled_by UUID,
            CONSTRAINT pk_emr_sheet PRIMARY KEY (id),
            CONSTRAINT ck_emr_sheet_state CHECK (state IN ('DRAFT', 'COMPLETED', 'SIGNED', 'SUPERSEDED', 'CANCELLED')),
            CONSTRAINT ck_emr_sheet_counts CHECK (revision > 0 AND version > 0),
            CONSTRAINT ck_emr_sheet_version CHECK ((version > 1) = (supersedes IS NOT NULL)),
            CONSTRAINT ck_emr_sheet_reason CHECK (version = 1 OR reason <> ''),
            CONSTRAINT ck_emr_sheet_completed CHECK ((state IN ('COMPLETED', 'SIGNED', 'SUPERSEDED')) = (document_id IS NOT NULL AND sha256 IS NOT NULL AND completed_at IS NOT NULL AND completed_by IS NOT NULL)),
            CONSTRAINT ck_emr_sheet_signed CHECK (state <> 'SIGNED' OR signed_at IS NOT NULL),
            CONSTRAINT ck_emr_sheet_cancelled CHECK ((state = 'CANCELLED') = (cancelled_at IS NOT NULL)),
            CONSTRAINT uq_emr_sheet_code UNIQUE (code),
            CONSTRAINT fk_emr_sheet_visit_id FOREIGN KEY(visit_id) REFERENCES emr_visit (id),
            CONSTRAINT fk_emr_sheet_episode_id FOREIGN KEY(episode_id) REFERENCES emr_episode (id),
            CONSTRAINT fk_emr_sheet_patient_id FOREIGN KEY(patient_id) REFERENCES emr_patient (id),
            CONSTRAINT fk_emr_sheet_supersedes FOREIGN KEY(supersedes) REFERENCES emr_sheet (id)
        )
    """)
    op.execute("CREATE INDEX ix_emr_sheet_visit_id ON emr_sheet (visit_id)")
    op.execute("CREATE INDEX ix_emr_sheet_patient_id_opened_at ON emr_sheet (patient_id, opened_at)")
    op.execute(
        "CREATE UNIQUE INDEX uq_emr_sheet_supersedes ON emr_sheet (supersedes) WHERE state <> 'CANCELLED'"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_emr_sheet_document_id ON emr_sheet (document_id) WHERE document_id IS NOT NULL"
    )
    op.execute("""
        CREATE TABLE emr_sheet_diagnosis (
            sheet_id UUID NOT NULL,
            position INTEGER NOT NULL,
            visit_id UUID NOT NULL,
            role TEXT NOT NULL,
            code TEXT NOT NULL,
            name TEXT NOT NULL,
            CONSTRAINT pk_emr_sheet_diagnosis PRIMARY KEY (sheet_id, position),
            CONSTRAINT ck_emr_sheet_diagnosis_role CHECK (role IN ('MAIN', 'OTHER', 'FIRST')),
            CONSTRAINT fk_emr_sheet_diagnosis_sheet_id FOREIGN KEY(sheet_id) REFERENCES emr_sheet (id),
            CONSTRAINT fk_emr_sheet_diagnosis_visit_id FOREIGN KEY(visit_id) REFERENCES emr_visit (id)
        )
    """)
    op.execute("CREATE INDEX ix_emr_sheet_diagnosis_visit_id ON emr_sheet_diagnosis (visit_id)")
    op.execute("""
        CREATE TABLE emr_sheet_order (
            sheet_id UUID NOT NULL,
            order_id UUID NOT NULL,
            CONSTRAINT pk_emr_sheet_order PRIMARY KEY (sheet_id, order_id),
            CONSTRAINT fk_emr_sheet_order_sheet_id FOREIGN KEY(sheet_id) REFERENCES emr_sheet (id),
            CONSTRAINT fk_emr_sheet_order_order_id FOREIGN KEY(order_id) REFERENCES emr_order (id)
        )
    """)
    op.execute("CREATE INDEX ix_emr_sheet_order_order_id ON emr_sheet_order (order_id)")


def _prescriptions() -> None:
    op.execute("""
        CREATE TABLE emr_prescription (
            sheet_id UUID NOT NULL,
            code TEXT NOT NULL,
            kind TEXT NOT NULL,
            visit_id UUID NOT NULL,
            patient_id UUID NOT NULL,
            replaces_id UUID,
            prescribed_at TIMESTAMP WITH TIME ZONE,
            valid_until DATE,
            CONSTRAINT pk_emr_prescription PRIMARY KEY (sheet_id),
            CONSTRAINT ck_emr_prescription_code CHECK (code ~ '^[0-9A-Za-z]{5}[0-9a-z]{7}-[NHCT]$'),
            CONSTRAINT ck_emr_prescription_kind CHECK (kind IN ('C', 'N', 'H', 'T') AND kind = right(code, 1)),
            CONSTRAINT uq_emr_prescription_code UNIQUE (code),
            CONSTRAINT fk_emr_prescription_sheet_id FOREIGN KEY(sheet_id) REFERENCES emr_sheet (id),
            CONSTRAINT fk_emr_prescription_visit_id FOREIGN KEY(visit_id) REFERENCES emr_visit (id),
            CONSTRAINT fk_emr_prescription_patient_id FOREIGN KEY(patient_id) REFERENCES emr_patient (id),
            CONSTRAINT fk_emr_prescription_replaces_id FOREIGN KEY(replaces_id) REFERENCES emr_prescription (sheet_id)
        )
    """)
    op.execute("CREATE INDEX ix_emr_prescription_visit_id ON emr_prescription (visit_id)")
    op.execute("CREATE INDEX ix_emr_prescription_patient_id ON emr_prescription (patient_id)")
    op.execute("""
        CREATE TABLE emr_prescription_line (
            sheet_id UUID NOT NULL,
            position INTEGER NOT NULL,
            drug_code TEXT NOT NULL,
            name TEXT NOT NULL,
            strength TEXT NOT NULL,
            unit TEXT NOT NULL,
            quantity NUMERIC(9, 2) NOT NULL,
            dose TEXT NOT NULL,
            times_per_day INTEGER NOT NULL,
            route TEXT NOT NULL,
            moment TEXT NOT NULL,
            days INTEGER NOT NULL,
            CONSTRAINT pk_emr_prescription_line PRIMARY KEY (sheet_id, position),
            CONSTRAINT ck_emr_prescription_line_quantity CHECK (quantity > 0),
            CONSTRAINT ck_emr_prescription_line_days CHECK (days BETWEEN 1 AND 90),
            CONSTRAINT ck_emr_prescription_line_times_per_day CHECK (times_per_day BETWEEN 1 AND 24),
            CONSTRAINT fk_emr_prescription_line_sheet_id FOREIGN KEY(sheet_id) REFERENCES emr_prescription (sheet_id)
        )
    """)


def _lock_sheets() -> None:
    """Once it is no draft, only its state and what signing tells of it may change."""
    op.execute("""
        CREATE FUNCTION emr_lock_sheet() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'emr_sheet % is never deleted', OLD.id USING ERRCODE = 'restrict_violation';
            END IF;
            IF OLD.state = 'DRAFT' THEN
                IF NEW.state NOT IN ('DRAFT', 'COMPLETED', 'CANCELLED') THEN
                    RAISE EXCEPTION 'emr_sheet % can not move from DRAFT to %', OLD.id, NEW.state
                        USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN NEW;
            END IF;
            IF (OLD.state, NEW.state) NOT IN (
                ('COMPLETED', 'COMPLETED'), ('COMPLETED', 'SIGNED'), ('COMPLETED', 'SUPERSEDED'),
                ('SIGNED', 'SIGNED'), ('SIGNED', 'SUPERSEDED'), ('SUPERSEDED', 'SUPERSEDED')
            ) OR (to_jsonb(NEW) - '{state,author_signed_at,signed_at,signed_sha256,refused_reason}'::text[])
                 <> (to_jsonb(OLD) - '{state,author_signed_at,signed_at,signed_sha256,refused_reason}'::text[]) THEN
                RAISE EXCEPTION 'emr_sheet % is locked (%)', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute(
        "CREATE TRIGGER lock_sheet BEFORE UPDATE OR DELETE ON emr_sheet "
        "FOR EACH ROW EXECUTE FUNCTION emr_lock_sheet()"
    )


def _lock_children() -> None:
    op.execute("""
        CREATE FUNCTION emr_lock_sheet_child() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            parent uuid;
            parents uuid[] := CASE TG_OP
                WHEN 'INSERT' THEN ARRAY[NEW.sheet_id]
                WHEN 'DELETE' THEN ARRAY[OLD.sheet_id]
                ELSE ARRAY[OLD.sheet_id, NEW.sheet_id] END;
            parent_state text;
        BEGIN
            FOREACH parent IN ARRAY parents LOOP
                SELECT state INTO parent_state FROM emr_sheet WHERE id = parent FOR SHARE;
                IF parent_state <> 'DRAFT' THEN
                    RAISE EXCEPTION '% of emr_sheet % is locked (%)', TG_TABLE_NAME, parent, parent_state
                        USING ERRCODE = 'restrict_violation';
                END IF;
            END LOOP;
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END $$
    """)
    for table in LOCKED_CHILDREN:
        op.execute(
            f"CREATE TRIGGER lock_with_sheet BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION emr_lock_sheet_child()"
        )


def _lock_orders() -> None:
    """What a completed phiếu chỉ định says of an order can't be changed; the order's state goes on."""
    op.execute("""
        CREATE FUNCTION emr_lock_order_of_sheet() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM emr_sheet_order link JOIN emr_sheet sheet ON sheet.id = link.sheet_id
                WHERE link.order_id = OLD.id AND sheet.state NOT IN ('DRAFT', 'CANCELLED')
            ) THEN
                RAISE EXCEPTION 'emr_order % is locked by its sheet', OLD.id USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER lock_with_sheet BEFORE UPDATE ON emr_order FOR EACH ROW
        WHEN ((OLD.visit_id, OLD.patient_id, OLD.service_code, OLD.service_name, OLD.quantity, OLD.in_scope,
               OLD.on_demand, OLD.note, OLD.number)
              IS DISTINCT FROM
              (NEW.visit_id, NEW.patient_id, NEW.service_code, NEW.service_name, NEW.quantity, NEW.in_scope,
               NEW.on_demand, NEW.note, NEW.number))
        EXECUTE FUNCTION emr_lock_order_of_sheet()
    """)
