"""What billing asks of emr: the care an episode was, whose it is, and to let paid orders go."""
