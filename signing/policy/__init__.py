"""Which signer signs what: for everybody, for a person, for a type of document."""
