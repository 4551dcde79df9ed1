"""VietQR: the NAPAS 247 profile of EMVCo merchant-presented QR codes."""
