"""Outpatient prescriptions (đơn thuốc) of form I, TT 26/2025/TT-BYT."""
