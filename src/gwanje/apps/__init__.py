"""Applications (실행 프로그램): wiring only."""
