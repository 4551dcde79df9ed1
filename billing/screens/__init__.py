"""Second screens: paired devices that show what a counter asks for."""
