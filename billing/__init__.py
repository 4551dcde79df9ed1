"""Charges, accounts, VietQR payments, the ledger, receipts, e-invoices."""
