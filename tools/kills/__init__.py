"""Kills (강제 종료 시험): each module is `./dev kills NAME`: ended at every step, started again, looked at."""
