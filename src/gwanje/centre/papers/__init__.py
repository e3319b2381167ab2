"""서식: the forms of the centre's packs, blank, typed and filled from rows, as page, PDF/A and HWPX."""
