"""Which release answers how many of the users' requests, and why. Serving never imports this: a broken
controller cannot stop scoring."""
