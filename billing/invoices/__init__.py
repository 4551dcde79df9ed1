"""E-invoices (hoá đơn điện tử) of NĐ 254/2026/NĐ-CP: numbered, signed, coded by the tax authority, archived."""
