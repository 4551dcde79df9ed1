"""The schema as PostgreSQL itself sees it, as text: what `alembic check` is blind to (CHECKs, triggers, grants, functions)."""

from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

SCHEMA_FILE = Path(__file__).parent / "migrations" / "schema.sql"

# One query a kind of object; each returns one line of text a row, in a stable order.
CATALOG = (
    """SELECT format('COLUMN %s.%s %s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
           CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || quote_ident(l.collname) ELSE '' END,
           CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
           coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
             || CASE a.attgenerated WHEN 's' THEN ' STORED' ELSE '' END
             || CASE a.attidentity WHEN '' THEN '' ELSE ' IDENTITY' END)
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       LEFT JOIN pg_collation l ON l.oid = a.attcollation
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
       ORDER BY c.relname, a.attname""",
    """SELECT format('CONSTRAINT %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n'
       ORDER BY conrelid::regclass::text, conname""",
    """SELECT 'INDEX ' || pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
       WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname""",
    """SELECT 'TRIGGER ' || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
       WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname, t.tgname""",
    """SELECT 'FUNCTION ' || pg_get_functiondef(oid) FROM pg_proc
       WHERE pronamespace = 'public'::regnamespace ORDER BY proname""",
    """SELECT format('VIEW %s AS %s', relname, pg_get_viewdef(oid)) FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' ORDER BY relname""",
    """SELECT format('GRANT %s ON %s TO lanh_app', string_agg(privilege_type, ', ' ORDER BY privilege_type), table_name)
       FROM information_schema.role_table_grants WHERE table_schema = 'public' AND grantee = 'lanh_app'
       GROUP BY table_name ORDER BY table_name""",
)


def _read(connection: Connection) -> str:
    lines: list[str] = []
    for query in CATALOG:
        lines += [str(row[0]).strip() for row in connection.execute(text(query))]
    return "\n".join(lines) + "\n"


async def describe(owner_url: str) -> str:
    """Return the definitions of every column, constraint, index, trigger, function, view and grant."""
    engine = create_async_engine(owner_url, poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.run_sync(_read)
    await engine.dispose()
    return found
