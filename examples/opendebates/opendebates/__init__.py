"""Open Debates: a site where people propose questions for a debate and vote on them."""
