"""Paper that arrives: scans converted to electronic documents."""
