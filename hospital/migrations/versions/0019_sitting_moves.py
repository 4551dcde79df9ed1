"""A patient's sitting moves in the database as its table of states says: no step is left out, none is taken back."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOVES = """
    (OLD.state = 'OPEN' AND NEW.state IN ('EXPIRED', 'CANCELLED'))
    OR (OLD.state = 'OPEN' AND NEW.kind = 'TABLET' AND NEW.state IN ('SHOWN', 'REFUSED'))
    OR (OLD.state = 'OPEN' AND NEW.kind <> 'TABLET' AND NEW.state = 'SIGNED')
    OR (OLD.state = 'SHOWN' AND NEW.kind = 'TABLET' AND NEW.state IN ('SIGNED', 'REFUSED', 'EXPIRED', 'CANCELLED'))
    OR (OLD.state = 'SIGNED' AND NEW.state IN ('SEALED', 'CANCELLED'))
"""


def upgrade() -> None:
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION signing_keep_sitting() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.state IN ('SEALED', 'REFUSED', 'EXPIRED', 'CANCELLED')
               OR NEW.kind <> OLD.kind OR (NEW.state <> OLD.state AND NOT ({MOVES})) THEN
                RAISE EXCEPTION 'a sitting never goes back' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
