"""Certificates asked for here: the request, whose it is, where its key is, what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "signing_enrolment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Uuid()),
        sa.Column("key_kind", sa.Text(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("certificate_id", sa.Uuid()),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by", sa.Uuid()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_enrolment"),
        sa.UniqueConstraint("public_key", name="uq_signing_enrolment_public_key"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["kernel_staff_account.id"], name="fk_signing_enrolment_staff_id"
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["signing_certificate.id"], name="fk_signing_enrolment_certificate_id"
        ),
        sa.CheckConstraint("owner_kind IN ('STAFF', 'ORGANISATION')", name="owner_kind"),
        sa.CheckConstraint("(owner_kind = 'STAFF') = (staff_id IS NOT NULL)", name="owner"),
        sa.CheckConstraint("key_kind IN ('PKCS12', 'PKCS11')", name="key_kind"),
        sa.CheckConstraint("algorithm IN ('RSA_2048', 'RSA_3072', 'EC_P256')", name="algorithm"),
        sa.CheckConstraint("state IN ('REQUESTED', 'ISSUED', 'CANCELLED')", name="state"),
        sa.CheckConstraint("(state = 'ISSUED') = (certificate_id IS NOT NULL)", name="issued"),
        sa.CheckConstraint(
            "(state = 'REQUESTED') = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL)",
            name="ended",
        ),
        sa.CheckConstraint("state <> 'CANCELLED' OR reason <> ''", name="reason"),
    )
    op.create_index(
        "uq_signing_enrolment_open",
        "signing_enrolment",
        ["staff_id", "key_kind"],
        unique=True,
        postgresql_where=sa.text("state = 'REQUESTED'"),
        postgresql_nulls_not_distinct=True,
    )
    op.execute(
        """
        CREATE FUNCTION signing_keep_enrolment() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.state <> 'REQUESTED' THEN
                RAISE EXCEPTION 'an enrolment ends once' USING ERRCODE = 'restrict_violation';
            END IF;
            IF (OLD.id, OLD.owner_kind, OLD.staff_id, OLD.key_kind, OLD.key_name, OLD.algorithm, OLD.subject,
                OLD.request, OLD.public_key, OLD.requested_at, OLD.requested_by)
               IS DISTINCT FROM
               (NEW.id, NEW.owner_kind, NEW.staff_id, NEW.key_kind, NEW.key_name, NEW.algorithm, NEW.subject,
                NEW.request, NEW.public_key, NEW.requested_at, NEW.requested_by)
            THEN
                RAISE EXCEPTION 'what was asked for stays' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_enrolment_keep BEFORE UPDATE ON signing_enrolment"
        " FOR EACH ROW EXECUTE FUNCTION signing_keep_enrolment()"
    )
    op.execute("REVOKE DELETE, TRUNCATE ON signing_enrolment FROM lanh_app")
