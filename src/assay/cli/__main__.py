"""``python -m assay.cli``, for where the script is not on the path."""

from assay.cli import main

main()
