"""The sign-in page of staff."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.settings import KernelSettings
from kernel.staff.guards import client_ip, signed_in
from kernel.staff.rest import session_cookie
from kernel.staff.rules import Actor, safe_next
from kernel.staff.service import COOKIE, SignIn, SignInRefused, sign_in, sign_out


class LoginPages(Controller):
    @get("/login", opt={"public": True}, include_in_schema=False)
    async def form(
        self, kernel_settings: NamedDependency[KernelSettings], next: FromQuery[str] = "/"
    ) -> Template:
        context = {
            "next": safe_next(next),
            "demo": kernel_settings.demo,
            "facility": kernel_settings.facility,
        }
        return Template("staff/login.html", context=context)

    @post("/login", opt={"public": True}, include_in_schema=False)
    async def submit(
        self,
        data: URLEncodedBody[dict[str, str]],
        request: Request[Any, Any, State],
        sessions: NamedDependency[Sessions],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[Any]:
        """Answer 303 to where the person wanted to go, or the same form with the refusal."""
        command = SignIn(username=data.get("username", ""), password=data.get("password", ""))
        target = safe_next(data.get("next", "/"))
        try:
            token, _ = await sign_in(
                sessions, command, ip=client_ip(request), settings=kernel_settings, now=utc_now()
            )
        except SignInRefused as refusal:
            context = {
                "next": target,
                "username": command.username,
                "refusal": refusal.detail,
                "demo": kernel_settings.demo,
                "facility": kernel_settings.facility,
            }
            return Template("staff/login.html", context=context, status_code=422)
        return Redirect(target, status_code=303, cookies=[session_cookie(token, kernel_settings)])

    @post("/logout", guards=[signed_in], include_in_schema=False)
    async def logout(self, actor: NamedDependency[Actor], session: NamedDependency[AsyncSession]) -> Redirect:
        await sign_out(session, actor, now=utc_now())
        answer = Redirect("/login", status_code=303)
        answer.delete_cookie(COOKIE)
        return answer
