"""Is the process alive, can it work: for the proxy and the person on call."""

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kernel.db import Sessions


@get("/healthz", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", opt={"public": True}, include_in_schema=False)
async def readyz(sessions: NamedDependency[Sessions]) -> Response[dict[str, str]]:
    """The process can work: the database answers and its schema is there."""
    try:
        async with sessions() as session:
            version = await session.scalar(text("SELECT version_num FROM alembic_version"))
    except (DBAPIError, OSError):
        return Response({"status": "no database"}, status_code=503)
    return Response({"status": "ok", "schema": str(version)})
