"""Statistics of the centre (통계): purpose by agency by year, every total counted again before it is shown."""
