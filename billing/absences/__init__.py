"""People who took a number and never came: their visits close by themselves, unless they hold money."""
