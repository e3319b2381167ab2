"""Publication (공개): what each article of the law means here today, for anyone to read."""
