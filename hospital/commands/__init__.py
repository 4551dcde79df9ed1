"""The commands of `hospital`, one module each."""
