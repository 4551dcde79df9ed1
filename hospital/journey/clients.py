"""People at their screens, as HTTP clients with cookies and the CSRF token of our pages."""

from typing import Any

import httpx


class Refusal(AssertionError):
    """An answer that should have been good was not; says what the server said."""


class Client:
    """One browser: keeps cookies, sends the token, reads JSON, refuses bad answers."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=30.0, follow_redirects=False)
        self._http.get("/login")  # Sets the CSRF cookie.

    def close(self) -> None:
        self._http.close()

    def raw(self, method: str, path: str, **more: Any) -> httpx.Response:
        token = self._http.cookies.get("lanh_csrf") or ""
        return self._http.request(method, path, headers={"x-csrf-token": token}, **more)

    def get(self, path: str, **query: Any) -> Any:
        return self._good(self.raw("GET", path, params=query)).json()

    def bytes(self, path: str) -> bytes:
        return self._good(self.raw("GET", path)).content

    def post(self, path: str, body: Any = None) -> Any:
        answer = self._good(self.raw("POST", path, json=body))
        return answer.json() if answer.content else None

    def put(self, path: str, body: Any = None) -> Any:
        answer = self._good(self.raw("PUT", path, json=body))
        return answer.json() if answer.content else None

    @staticmethod
    def _good(answer: httpx.Response) -> httpx.Response:
        if not answer.is_success:
            raise Refusal(
                f"{answer.request.method} {answer.request.url.path} → {answer.status_code} {answer.text[:400]}"
            )
        return answer


def staff(base_url: str, username: str, password: str) -> Client:
    """A member of staff who signed in."""
    client = Client(base_url)
    client.post("/api/login", {"username": username, "password": password})
    return client
