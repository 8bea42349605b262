"""The drill: known defects, each put into a release of its own and rolled out under load.

Its data centres are real ones, small and on one machine: HAProxy, Redis with a password, web processes and
workers of two releases, and a client that counts every wrong or failed answer.
"""
