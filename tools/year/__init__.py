"""A year of a city (한 해 모의 운영): ./dev demo year."""
