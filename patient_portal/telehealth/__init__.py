"""Requests for a remote examination (khám bệnh từ xa)."""
