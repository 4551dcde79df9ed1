"""Programs of developers: assets, the tour of the pages, tools for tests."""
