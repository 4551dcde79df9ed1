"""Charts: everything of one person on a page, over patients, visits, stays and orders."""
