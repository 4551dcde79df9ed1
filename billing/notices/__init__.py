"""What banks and their gateways tell us about money that moved."""
