"""Payment requests: a frozen amount with a reference and a QR code (yêu cầu thanh toán)."""
