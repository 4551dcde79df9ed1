"""Patients, episodes, visits, queues, orders, stays, places, catalogs."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSERT_ONLY = ("emr_patient_version", "emr_result")
KEPT = (
    "emr_patient",
    "emr_patient_identifier",
    "emr_episode",
    "emr_credit",
    "emr_visit",
    "emr_ticket",
    "emr_order",
    "emr_stay",
    "emr_bed_use",
)


def upgrade() -> None:
    _printed_numbers()
    _places()
    _catalogs()
    _patients()
    _episodes()
    _queues()
    _orders()
    _stays()
    for table in INSERT_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM lanh_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
        )
    for table in KEPT:
        op.execute(f"REVOKE DELETE ON {table} FROM lanh_app")
    _views()


def _printed_numbers() -> None:
    """Numbers on paper: prefix, two digits of the year, six or more digits of a sequence."""
    for name in ("patient", "episode", "visit", "order", "stay"):
        op.execute(f"CREATE SEQUENCE emr_{name}_number")
    op.execute("""
        CREATE FUNCTION emr_next_code(prefix text, year integer, numbers regclass) RETURNS text
        LANGUAGE plpgsql VOLATILE AS $$
        DECLARE n text := nextval(numbers)::text;
        BEGIN
            RETURN prefix || lpad((year % 100)::text, 2, '0') || lpad(n, greatest(6, length(n)), '0');
        END $$
    """)


def _views() -> None:
    op.execute("""
        CREATE VIEW emr_v_patient AS
        SELECT id, code, name, name_key, birth_date, birth_precision, sex, citizen_id, insurance_no, phone,
               address, ward_code, province_code, ethnic_code, nationality, occupation, allergies, registered_at
        FROM emr_patient
    """)
    op.execute("""
        CREATE VIEW emr_v_visit AS
        SELECT visit.id, visit.number, visit.episode_id, episode.code AS episode_code, visit.patient_id,
               visit.payer, visit.setting, visit.room_code, room.name AS room_name, visit.department_code,
               visit.service_code, visit.reason, visit.state, visit.insurance, visit.identified_by,
               visit.opened_at, visit.started_at, visit.ended_at, visit.outcome, visit.doctor_id,
               visit.doctor_name, episode.state AS episode_state, episode.stay_open, episode.opened_at AS episode_opened_at,
               episode.closed_at AS episode_closed_at
        FROM emr_visit visit
        JOIN emr_episode episode ON episode.id = visit.episode_id
        JOIN emr_room room ON room.code = visit.room_code
    """)
    op.execute("""
        CREATE VIEW emr_v_order AS
        SELECT id, number, visit_id, episode_id, patient_id, service_code, service_name, kind, quantity, payer,
               setting, priority, in_scope, on_demand, room_code, state, released_by, ordered_by, ordered_name,
               placed_at, released_at, performed_at, reported_at, approved_at, voided_at
        FROM emr_order
    """)
    op.execute("GRANT SELECT ON emr_v_patient, emr_v_visit, emr_v_order TO lanh_app")
    op.execute("REVOKE INSERT, UPDATE, DELETE ON emr_v_patient, emr_v_visit, emr_v_order FROM lanh_app")


def _places() -> None:
    op.execute("""
        CREATE TABLE emr_department (
            code TEXT NOT NULL,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            insurance_code TEXT NOT NULL,
            active BOOLEAN NOT NULL,
            CONSTRAINT pk_emr_department PRIMARY KEY (code),
            CONSTRAINT ck_emr_department_kind CHECK (kind IN ('CLINICAL', 'SUPPORT', 'OFFICE'))
        )
    """)
    op.execute("""
        CREATE TABLE emr_duty (
            id UUID NOT NULL,
            day DATE NOT NULL,
            kind TEXT NOT NULL,
            department_code TEXT NOT NULL,
            staff_id UUID NOT NULL,
            starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
            ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_emr_duty PRIMARY KEY (id),
            CONSTRAINT ck_emr_duty_kind CHECK (kind IN ('LEADER', 'DOCTOR', 'NURSE', 'TECHNICIAN')),
            CONSTRAINT ck_emr_duty_order CHECK (ends_at > starts_at),
            CONSTRAINT uq_emr_duty_staff_id_kind_department_code_starts_at UNIQUE (staff_id, kind, department_code, starts_at),
            CONSTRAINT fk_emr_duty_department_code FOREIGN KEY(department_code) REFERENCES emr_department (code),
            CONSTRAINT fk_emr_duty_staff_id FOREIGN KEY(staff_id) REFERENCES kernel_staff_account (id)
        )
    """)
    op.execute("CREATE INDEX ix_emr_duty_day ON emr_duty (day)")
    op.execute("""
        CREATE TABLE emr_room (
            code TEXT NOT NULL,
            name TEXT NOT NULL,
            department_code TEXT NOT NULL,
            kind TEXT NOT NULL,
            area TEXT NOT NULL,
            place TEXT NOT NULL,
            active BOOLEAN NOT NULL,
            CONSTRAINT pk_emr_room PRIMARY KEY (code),
            CONSTRAINT ck_emr_room_kind CHECK (kind IN ('EXAM', 'EMERGENCY', 'LAB', 'IMAGING', 'FUNCTION', 'PROCEDURE', 'WARD', 'PHARMACY')),
            CONSTRAINT fk_emr_room_department_code FOREIGN KEY(department_code) REFERENCES emr_department (code)
        )
    """)
    op.execute("""
        CREATE TABLE emr_bed (
            code TEXT NOT NULL,
            number INTEGER NOT NULL,
            room_code TEXT NOT NULL,
            department_code TEXT NOT NULL,
            active BOOLEAN NOT NULL,
            CONSTRAINT pk_emr_bed PRIMARY KEY (code),
            CONSTRAINT uq_emr_bed_number UNIQUE (number),
            CONSTRAINT fk_emr_bed_room_code FOREIGN KEY(room_code) REFERENCES emr_room (code),
            CONSTRAINT fk_emr_bed_department_code FOREIGN KEY(department_code) REFERENCES emr_department (code)
        )
    """)
    op.execute("CREATE INDEX ix_emr_bed_department_code ON emr_bed (department_code)")


def _catalogs() -> None:
    op.execute("""
        CREATE TABLE emr_drug (
            code TEXT COLLATE "C" NOT NULL,
            name TEXT NOT NULL,
            key TEXT NOT NULL,
            inn TEXT NOT NULL,
            strength TEXT NOT NULL,
            form TEXT NOT NULL,
            unit TEXT NOT NULL,
            route TEXT NOT NULL,
            control TEXT NOT NULL,
            active BOOLEAN NOT NULL,
            CONSTRAINT pk_emr_drug PRIMARY KEY (code),
            CONSTRAINT ck_emr_drug_control CHECK (control IN ('', 'N', 'H'))
        )
    """)
    op.execute("""
        CREATE INDEX ix_emr_drug_words ON emr_drug USING gin (to_tsvector('simple'::regconfig, key))
    """)
    op.execute("""
        CREATE TABLE emr_ethnic_group (
            code TEXT COLLATE "C" NOT NULL,
            name TEXT NOT NULL,
            CONSTRAINT pk_emr_ethnic_group PRIMARY KEY (code)
        )
    """)
    op.execute("""
        CREATE TABLE emr_icd10 (
            code TEXT COLLATE "C" NOT NULL,
            name TEXT NOT NULL,
            name_en TEXT NOT NULL,
            key TEXT NOT NULL,
            code_key TEXT COLLATE "C" NOT NULL,
            marker TEXT NOT NULL,
            not_main BOOLEAN NOT NULL,
            needs_detail BOOLEAN NOT NULL,
            sex TEXT NOT NULL,
            CONSTRAINT pk_emr_icd10 PRIMARY KEY (code)
        )
    """)
    op.execute("CREATE INDEX ix_emr_icd10_code_key ON emr_icd10 (code_key)")
    op.execute("""
        CREATE INDEX ix_emr_icd10_words ON emr_icd10 USING gin (to_tsvector('simple'::regconfig, key))
    """)
    op.execute("""
        CREATE TABLE emr_icd10_pair (
            dagger_code TEXT COLLATE "C" NOT NULL,
            asterisk_code TEXT COLLATE "C" NOT NULL,
            main_code TEXT COLLATE "C" NOT NULL,
            CONSTRAINT pk_emr_icd10_pair PRIMARY KEY (dagger_code, asterisk_code)
        )
    """)
    op.execute("""
        CREATE TABLE emr_province (
            code TEXT COLLATE "C" NOT NULL,
            name TEXT NOT NULL,
            CONSTRAINT pk_emr_province PRIMARY KEY (code)
        )
    """)
    op.execute("""
        CREATE TABLE emr_ward (
            code TEXT COLLATE "C" NOT NULL,
            province_code TEXT COLLATE "C" NOT NULL,
            name TEXT NOT NULL,
            key TEXT COLLATE "C" NOT NULL,
            CONSTRAINT pk_emr_ward PRIMARY KEY (code),
            CONSTRAINT fk_emr_ward_province_code FOREIGN KEY(province_code) REFERENCES emr_province (code)
        )
    """)
    op.execute("CREATE INDEX ix_emr_ward_province_code ON emr_ward (province_code)")
    op.execute("""
        CREATE TABLE emr_service (
            code TEXT COLLATE "C" NOT NULL,
            name TEXT NOT NULL,
            key TEXT NOT NULL,
            kind TEXT NOT NULL,
            claim_group TEXT NOT NULL,
            unit TEXT NOT NULL,
            room_code TEXT,
            in_scope BOOLEAN NOT NULL,
            result_unit TEXT NOT NULL,
            low TEXT,
            high TEXT,
            valid_from DATE NOT NULL,
            valid_to DATE,
            CONSTRAINT pk_emr_service PRIMARY KEY (code),
            CONSTRAINT ck_emr_service_kind CHECK (kind IN ('EXAM', 'LAB', 'IMAGING', 'FUNCTION', 'PROCEDURE', 'BED', 'OTHER')),
            CONSTRAINT fk_emr_service_room_code FOREIGN KEY(room_code) REFERENCES emr_room (code)
        )
    """)
    op.execute("""
        CREATE INDEX ix_emr_service_words ON emr_service USING gin (to_tsvector('simple'::regconfig, key))
    """)


def _patients() -> None:
    op.execute("""
        CREATE TABLE emr_patient (
            id UUID NOT NULL,
            code TEXT COLLATE "C" NOT NULL,
            name TEXT NOT NULL,
            name_key TEXT COLLATE "C" NOT NULL,
            given_key TEXT COLLATE "C" NOT NULL,
            name_pairs TEXT[] NOT NULL,
            birth_date DATE NOT NULL,
            birth_precision TEXT NOT NULL,
            sex TEXT NOT NULL,
            citizen_id TEXT COLLATE "C",
            insurance_no TEXT COLLATE "C",
            passport_no TEXT COLLATE "C",
            phone TEXT COLLATE "C",
            address TEXT NOT NULL,
            ward_code TEXT,
            province_code TEXT,
            ethnic_code TEXT,
            nationality TEXT NOT NULL,
            occupation TEXT NOT NULL,
            allergies TEXT NOT NULL,
            revision INTEGER NOT NULL,
            fingerprint BYTEA NOT NULL,
            registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
            registered_by UUID NOT NULL,
            CONSTRAINT pk_emr_patient PRIMARY KEY (id),
            CONSTRAINT ck_emr_patient_sex CHECK (sex IN ('MALE', 'FEMALE', 'UNKNOWN')),
            CONSTRAINT ck_emr_patient_birth_precision CHECK (birth_precision IN ('DAY', 'MONTH', 'YEAR', 'ESTIMATED')),
            CONSTRAINT ck_emr_patient_code CHECK (code !~ '^[0-9]{12}$'),
            CONSTRAINT ck_emr_patient_revision CHECK (revision > 0),
            CONSTRAINT uq_emr_patient_code UNIQUE (code)
        )
    """)
    op.execute("CREATE INDEX ix_emr_patient_birth_date ON emr_patient (birth_date)")
    op.execute("CREATE INDEX ix_emr_patient_given_key_id ON emr_patient (given_key, id)")
    op.execute("CREATE INDEX ix_emr_patient_name_key_id ON emr_patient (name_key, id)")
    op.execute("""
        CREATE INDEX ix_emr_patient_name_pairs ON emr_patient USING gin (array_to_tsvector(name_pairs))
    """)
    op.execute("CREATE INDEX ix_emr_patient_phone_tail ON emr_patient (reverse(phone))")
    op.execute("""
        CREATE TABLE emr_patient_identifier (
            patient_id UUID NOT NULL,
            kind TEXT NOT NULL,
            value TEXT COLLATE "C" NOT NULL,
            recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
            active BOOLEAN NOT NULL,
            recorded_by UUID NOT NULL,
            ended_at TIMESTAMP WITH TIME ZONE,
            ended_reason TEXT NOT NULL,
            CONSTRAINT pk_emr_patient_identifier PRIMARY KEY (patient_id, kind, value, recorded_at),
            CONSTRAINT ck_emr_patient_identifier_kind CHECK (kind IN ('CITIZEN', 'OLD_ID', 'INSURANCE', 'PASSPORT')),
            CONSTRAINT ck_emr_patient_identifier_active CHECK (active = (ended_at IS NULL)),
            CONSTRAINT fk_emr_patient_identifier_patient_id FOREIGN KEY(patient_id) REFERENCES emr_patient (id)
        )
    """)
    op.execute("CREATE INDEX ix_emr_patient_identifier_value ON emr_patient_identifier (value)")
    op.execute("""
        CREATE UNIQUE INDEX uq_emr_patient_identifier_kind_value ON emr_patient_identifier (kind, value) WHERE active AND kind <> 'OLD_ID'
    """)
    op.execute("""
        CREATE TABLE emr_patient_version (
            patient_id UUID NOT NULL,
            revision INTEGER NOT NULL,
            particulars JSONB NOT NULL,
            replaced_at TIMESTAMP WITH TIME ZONE NOT NULL,
            replaced_by UUID NOT NULL,
            reason TEXT NOT NULL,
            CONSTRAINT pk_emr_patient_version PRIMARY KEY (patient_id, revision),
            CONSTRAINT fk_emr_patient_version_patient_id FOREIGN KEY(patient_id) REFERENCES emr_patient (id)
        )
    """)


def _episodes() -> None:
    op.execute("""
        CREATE TABLE emr_episode (
            id UUID NOT NULL,
            code TEXT NOT NULL,
            patient_id UUID NOT NULL,
            state TEXT NOT NULL,
            stay_open BOOLEAN NOT NULL,
            opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
            closed_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT pk_emr_episode PRIMARY KEY (id),
            CONSTRAINT ck_emr_episode_state CHECK (state IN ('OPEN', 'CLOSED')),
            CONSTRAINT ck_emr_episode_closed CHECK ((state = 'CLOSED') = (closed_at IS NOT NULL)),
            CONSTRAINT uq_emr_episode_code UNIQUE (code),
            CONSTRAINT fk_emr_episode_patient_id FOREIGN KEY(patient_id) REFERENCES emr_patient (id)
        )
    """)
    op.execute("CREATE INDEX ix_emr_episode_patient_id ON emr_episode (patient_id)")
    op.execute("""
        CREATE TABLE emr_credit (
            episode_id UUID NOT NULL,
            reason TEXT NOT NULL,
            granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
            granted_by UUID NOT NULL,
            granted_name TEXT NOT NULL,
            CONSTRAINT pk_emr_credit PRIMARY KEY (episode_id),
            CONSTRAINT fk_emr_credit_episode_id FOREIGN KEY(episode_id) REFERENCES emr_episode (id)
        )
    """)
    op.execute("""
        CREATE TABLE emr_visit (
            id UUID NOT NULL,
            number TEXT NOT NULL,
            episode_id UUID NOT NULL,
            patient_id UUID NOT NULL,
            payer TEXT NOT NULL,
            setting TEXT NOT NULL,
            room_code TEXT NOT NULL,
            department_code TEXT NOT NULL,
            service_code TEXT NOT NULL,
            reason TEXT NOT NULL,
            state TEXT NOT NULL,
            insurance JSONB,
            guardian JSONB,
            identified_by TEXT NOT NULL,
            identified_reply TEXT NOT NULL,
            identified_staff UUID NOT NULL,
            fingerprint BYTEA NOT NULL,
            opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
            opened_by UUID NOT NULL,
            started_at TIMESTAMP WITH TIME ZONE,
            doctor_id UUID,
            doctor_name TEXT,
            ended_at TIMESTAMP WITH TIME ZONE,
            outcome TEXT,
            cancel_reason TEXT NOT NULL,
            CONSTRAINT pk_emr_visit PRIMARY KEY (id),
            CONSTRAINT ck_emr_visit_state CHECK (state IN ('WAITING', 'IN_PROGRESS', 'ENDED', 'CANCELLED')),
            CONSTRAINT ck_emr_visit_payer CHECK (payer IN ('BHYT', 'SELF_PAY', 'ON_DEMAND', 'FOREIGNER')),
            CONSTRAINT ck_emr_visit_setting CHECK (setting IN ('OUTPATIENT', 'INPATIENT', 'EMERGENCY')),
            CONSTRAINT ck_emr_visit_identified_by CHECK (identified_by IN ('QR_CCCD', 'CHIP_CCCD', 'VNEID_APP', 'AUTH_SERVICE', 'BHXH_LOOKUP', 'MANUAL', 'UNKNOWN')),
            CONSTRAINT ck_emr_visit_ended CHECK ((state = 'ENDED') = (ended_at IS NOT NULL AND outcome IS NOT NULL)),
            CONSTRAINT ck_emr_visit_insurance CHECK (payer <> 'BHYT' OR insurance IS NOT NULL),
            CONSTRAINT uq_emr_visit_number UNIQUE (number),
            CONSTRAINT fk_emr_visit_episode_id FOREIGN KEY(episode_id) REFERENCES emr_episode (id),
            CONSTRAINT fk_emr_visit_patient_id FOREIGN KEY(patient_id) REFERENCES emr_patient (id),
            CONSTRAINT fk_emr_visit_room_code FOREIGN KEY(room_code) REFERENCES emr_room (code),
            CONSTRAINT fk_emr_visit_department_code FOREIGN KEY(department_code) REFERENCES emr_department (code)
        )
    """)
    op.execute("""
        CREATE INDEX ix_emr_visit_open ON emr_visit (room_code) WHERE state IN ('WAITING', 'IN_PROGRESS')
    """)
    op.execute("CREATE INDEX ix_emr_visit_patient_id_opened_at ON emr_visit (patient_id, opened_at)")
    op.execute("CREATE INDEX ix_emr_visit_room_code_opened_at ON emr_visit (room_code, opened_at)")
    op.execute("CREATE INDEX ix_emr_visit_episode_id ON emr_visit (episode_id)")


def _queues() -> None:
    op.execute("""
        CREATE TABLE emr_queue_day (
            room_code TEXT NOT NULL,
            day DATE NOT NULL,
            last_number INTEGER NOT NULL,
            CONSTRAINT pk_emr_queue_day PRIMARY KEY (room_code, day),
            CONSTRAINT fk_emr_queue_day_room_code FOREIGN KEY(room_code) REFERENCES emr_room (code)
        )
    """)
    op.execute("""
        CREATE TABLE emr_ticket (
            id UUID NOT NULL,
            visit_id UUID NOT NULL,
            room_code TEXT NOT NULL,
            day DATE NOT NULL,
            number INTEGER NOT NULL,
            rank INTEGER NOT NULL,
            state TEXT NOT NULL,
            ready BOOLEAN NOT NULL,
            issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
            called_at TIMESTAMP WITH TIME ZONE,
            called_by UUID,
            calls INTEGER NOT NULL,
            CONSTRAINT pk_emr_ticket PRIMARY KEY (id),
            CONSTRAINT ck_emr_ticket_state CHECK (state IN ('WAITING', 'CALLED', 'SERVING', 'DONE', 'MISSED', 'CANCELLED')),
            CONSTRAINT ck_emr_ticket_rank CHECK (rank BETWEEN 0 AND 2),
            CONSTRAINT uq_emr_ticket_room_code_day_number UNIQUE (room_code, day, number),
            CONSTRAINT fk_emr_ticket_visit_id FOREIGN KEY(visit_id) REFERENCES emr_visit (id),
            CONSTRAINT fk_emr_ticket_room_code FOREIGN KEY(room_code) REFERENCES emr_room (code)
        )
    """)
    op.execute("""
        CREATE INDEX ix_emr_ticket_next ON emr_ticket (room_code, day, rank DESC, number) WHERE state = 'WAITING' AND ready
    """)
    op.execute("CREATE INDEX ix_emr_ticket_visit_id ON emr_ticket (visit_id)")


def _orders() -> None:
    op.execute("""
        CREATE TABLE emr_order (
            id UUID NOT NULL,
            number TEXT NOT NULL,
            visit_id UUID NOT NULL,
            episode_id UUID NOT NULL,
            patient_id UUID NOT NULL,
            service_code TEXT NOT NULL,
            service_name TEXT NOT NULL,
            kind TEXT NOT NULL,
            quantity INTEGER NOT NULL,
            payer TEXT NOT NULL,
            setting TEXT NOT NULL,
            priority TEXT NOT NULL,
            in_scope BOOLEAN NOT NULL,
            on_demand BOOLEAN NOT NULL,
            room_code TEXT,
            note TEXT NOT NULL,
            state TEXT NOT NULL,
            released_by TEXT,
            fingerprint BYTEA NOT NULL,
            ordered_by UUID NOT NULL,
            ordered_name TEXT NOT NULL,
            placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
            released_at TIMESTAMP WITH TIME ZONE,
            performed_at TIMESTAMP WITH TIME ZONE,
            performed_by UUID,
            reported_at TIMESTAMP WITH TIME ZONE,
            reported_by UUID,
            approved_at TIMESTAMP WITH TIME ZONE,
            approved_by UUID,
            approved_name TEXT,
            voided_at TIMESTAMP WITH TIME ZONE,
            voided_by UUID,
            void_reason TEXT NOT NULL,
            CONSTRAINT pk_emr_order PRIMARY KEY (id),
            CONSTRAINT ck_emr_order_state CHECK (state IN ('HELD', 'RELEASED', 'DOING', 'REPORTED', 'DONE', 'VOIDED')),
            CONSTRAINT ck_emr_order_quantity CHECK (quantity > 0),
            CONSTRAINT ck_emr_order_held CHECK ((state = 'HELD') <= (released_at IS NULL)),
            CONSTRAINT ck_emr_order_released CHECK (state IN ('HELD', 'VOIDED') OR released_at IS NOT NULL),
            CONSTRAINT ck_emr_order_voided CHECK ((state = 'VOIDED') = (voided_at IS NOT NULL)),
            CONSTRAINT ck_emr_order_released_by CHECK (released_by IN ('RULE', 'PAYMENT', 'CREDIT')),
            CONSTRAINT uq_emr_order_number UNIQUE (number),
            CONSTRAINT fk_emr_order_visit_id FOREIGN KEY(visit_id) REFERENCES emr_visit (id),
            CONSTRAINT fk_emr_order_episode_id FOREIGN KEY(episode_id) REFERENCES emr_episode (id),
            CONSTRAINT fk_emr_order_patient_id FOREIGN KEY(patient_id) REFERENCES emr_patient (id),
            CONSTRAINT fk_emr_order_room_code FOREIGN KEY(room_code) REFERENCES emr_room (code)
        )
    """)
    op.execute("CREATE INDEX ix_emr_order_patient_id_placed_at ON emr_order (patient_id, placed_at)")
    op.execute("CREATE INDEX ix_emr_order_unapproved ON emr_order (placed_at) WHERE state = 'REPORTED'")
    op.execute("""
        CREATE INDEX ix_emr_order_work ON emr_order (room_code, placed_at) WHERE state IN ('RELEASED', 'DOING')
    """)
    op.execute("CREATE INDEX ix_emr_order_episode_id ON emr_order (episode_id)")
    op.execute("CREATE INDEX ix_emr_order_visit_id ON emr_order (visit_id)")
    op.execute("""
        CREATE TABLE emr_result (
            order_id UUID NOT NULL,
            version INTEGER NOT NULL,
            id UUID NOT NULL,
            text TEXT NOT NULL,
            value TEXT,
            unit TEXT NOT NULL,
            abnormal TEXT NOT NULL,
            reason TEXT NOT NULL,
            measured_at TIMESTAMP WITH TIME ZONE,
            reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
            reported_by UUID NOT NULL,
            reported_name TEXT NOT NULL,
            CONSTRAINT pk_emr_result PRIMARY KEY (order_id, version),
            CONSTRAINT ck_emr_result_reason CHECK (version = 1 OR reason <> ''),
            CONSTRAINT fk_emr_result_order_id FOREIGN KEY(order_id) REFERENCES emr_order (id),
            CONSTRAINT uq_emr_result_id UNIQUE (id)
        )
    """)


def _stays() -> None:
    op.execute("""
        CREATE TABLE emr_stay (
            id UUID NOT NULL,
            number TEXT NOT NULL,
            episode_id UUID NOT NULL,
            visit_id UUID NOT NULL,
            patient_id UUID NOT NULL,
            department_code TEXT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            diagnosis_code TEXT NOT NULL,
            fingerprint BYTEA NOT NULL,
            admitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
            admitted_by UUID NOT NULL,
            discharged_at TIMESTAMP WITH TIME ZONE,
            discharged_by UUID,
            outcome TEXT,
            CONSTRAINT pk_emr_stay PRIMARY KEY (id),
            CONSTRAINT ck_emr_stay_state CHECK (state IN ('OPEN', 'ENDED')),
            CONSTRAINT ck_emr_stay_ended CHECK ((state = 'ENDED') = (discharged_at IS NOT NULL AND outcome IS NOT NULL)),
            CONSTRAINT ck_emr_stay_order CHECK (discharged_at >= admitted_at),
            CONSTRAINT uq_emr_stay_number UNIQUE (number),
            CONSTRAINT fk_emr_stay_episode_id FOREIGN KEY(episode_id) REFERENCES emr_episode (id),
            CONSTRAINT fk_emr_stay_visit_id FOREIGN KEY(visit_id) REFERENCES emr_visit (id),
            CONSTRAINT fk_emr_stay_patient_id FOREIGN KEY(patient_id) REFERENCES emr_patient (id),
            CONSTRAINT fk_emr_stay_department_code FOREIGN KEY(department_code) REFERENCES emr_department (code)
        )
    """)
    op.execute("CREATE INDEX ix_emr_stay_episode_id ON emr_stay (episode_id)")
    op.execute("CREATE UNIQUE INDEX uq_emr_stay_patient_open ON emr_stay (patient_id) WHERE state = 'OPEN'")
    op.execute("""
        CREATE TABLE emr_bed_use (
            id UUID NOT NULL,
            stay_id UUID NOT NULL,
            bed_code TEXT NOT NULL,
            bed_number INTEGER NOT NULL,
            during TSTZRANGE NOT NULL,
            placed_by UUID NOT NULL,
            CONSTRAINT pk_emr_bed_use PRIMARY KEY (id),
            CONSTRAINT ex_emr_bed_use_bed_during EXCLUDE USING gist (int4range(bed_number, bed_number, '[]') WITH &&, during WITH &&),
            CONSTRAINT fk_emr_bed_use_stay_id FOREIGN KEY(stay_id) REFERENCES emr_stay (id),
            CONSTRAINT fk_emr_bed_use_bed_code FOREIGN KEY(bed_code) REFERENCES emr_bed (code)
        )
    """)
    op.execute("CREATE INDEX ix_emr_bed_use_stay_id ON emr_bed_use (stay_id)")
