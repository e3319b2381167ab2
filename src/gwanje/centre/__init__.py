"""Centre (센터): one Django app per noun of the ordinance."""
