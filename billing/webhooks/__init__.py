"""Where gateways tell us that money moved."""
