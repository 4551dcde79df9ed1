"""What the house and the fake outside world both know: of no value, the demo's own. Light to import."""

BANK_SECRET = "demo-sepay-secret"  # noqa: S105  (the demo's own, of no value)
CSC_USER, CSC_PASSWORD = "lanh", "demo-remote-signing"
CSC_CALLBACK_SECRET = "demo-remote-signing-callback"  # noqa: S105  (the demo's own, of no value)
