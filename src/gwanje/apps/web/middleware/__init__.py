"""Middleware (요청 처리 단계): headers, language, transaction and scope, person."""
