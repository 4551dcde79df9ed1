"""Paper: legal forms, receipts and tickets as PDF/A-3b written in one pass."""
