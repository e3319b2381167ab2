"""Web project (웹 관제 화면): Django settings, middleware, API; wiring of the centre's rooms."""
