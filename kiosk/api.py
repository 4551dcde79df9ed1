"""What other packages may use of kiosk."""
