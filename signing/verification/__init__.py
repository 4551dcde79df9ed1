"""Verify signed PDF and XML files and say in Vietnamese what TT 15/2025/TT-BKHCN article 6 asks for."""
