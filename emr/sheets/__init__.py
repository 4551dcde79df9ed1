"""Record sheets: legal forms as data, their entry, validation, paper, signatures and locks."""
