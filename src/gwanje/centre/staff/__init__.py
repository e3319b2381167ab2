"""Staff (인력·권한): agencies, accounts, roles with their history, stations, shifts, delegation."""
