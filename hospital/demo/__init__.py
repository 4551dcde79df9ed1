"""The demo hospital: invented people, real code lists."""
