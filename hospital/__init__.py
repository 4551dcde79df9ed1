"""Assembles the rest: app factory, settings, command line, migrations, demo hospital."""
