"""`python -m tuneq_producer` is `tuneq`."""

from tuneq_producer.cli import main

main(prog_name="tuneq")
