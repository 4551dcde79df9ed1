"""What every page is drawn with: shells, components, styles, scripts and the files they are served from."""
