"""What is read of files that others may have written: within bounds, checked, and refused in one sentence."""
