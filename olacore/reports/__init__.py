"""What a file is in words, and reports: pages that show what a run, a test or a benchmark did."""
