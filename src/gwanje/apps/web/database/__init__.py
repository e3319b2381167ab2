"""Database engine (데이터베이스 연결): PostgreSQL by the data folder; no address or password in the settings."""
