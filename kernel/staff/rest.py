"""Sign-in for programs: POST /api/login sets the session cookie."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency
from litestar.params import JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.settings import KernelSettings
from kernel.staff.guards import client_ip, signed_in
from kernel.staff.rules import Actor
from kernel.staff.service import COOKIE, SignIn, StaffView, sign_in, sign_out


def session_cookie(token: str, settings: KernelSettings) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=token,
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
        max_age=settings.session_hours * 3600,
    )


class LoginController(Controller):
    path = "/api"
    tags = ("staff",)

    @post("/login", operation_id="signIn", opt={"public": True, "exclude_from_csrf": True}, status_code=200)
    async def login(
        self,
        data: JSONBody[SignIn],
        request: Request[Any, Any, State],
        sessions: NamedDependency[Sessions],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[StaffView]:
        """Sign a member of staff in (đăng nhập)."""
        token, view = await sign_in(
            sessions, data, ip=client_ip(request), settings=kernel_settings, now=utc_now()
        )
        return Response(view, cookies=[session_cookie(token, kernel_settings)])

    @post("/logout", operation_id="signOut", guards=[signed_in], status_code=204)
    async def logout(self, actor: NamedDependency[Actor], session: NamedDependency[AsyncSession]) -> None:
        """Sign out (đăng xuất)."""
        await sign_out(session, actor, now=utc_now())

    @get("/me", operation_id="whoAmI", guards=[signed_in])
    async def me(self, actor: NamedDependency[Actor]) -> Actor:
        """Tell who is signed in."""
        return actor
