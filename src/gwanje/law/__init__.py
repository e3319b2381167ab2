"""Law (법): packs, dated parameters, norms, Decision, Duty, Invariant, legal calendar. Pure."""
