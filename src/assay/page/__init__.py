"""What every page of Assay shares, whoever serves it: frame, style, icon, static files and headers.

The scoring server and the page of rollouts are siblings that never meet; both stand on this.
"""
