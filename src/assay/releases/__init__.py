"""What a release is, where it lies, how it is fetched, proved, and put into a slot."""
