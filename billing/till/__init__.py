"""The cashier's pages (quầy thu viện phí)."""
