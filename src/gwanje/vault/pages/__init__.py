"""vaultd's own pages (서명 화면): where officers read vaultd's words and sign; an origin of its own, no cookie."""
