"""House rules as checks (``tests/tidy``): every line of STYLE.md names the one that holds it."""
