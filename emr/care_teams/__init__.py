"""Who looks after a person: whose record that opens, and the glass that can be broken."""
