"""What islands buy, in simulated time: several in turn in one process."""
