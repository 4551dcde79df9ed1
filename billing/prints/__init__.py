"""What the till prints: receipts, the bill 01/KBCB, and the paper view of an invoice, as PDF/A."""
