"""`python -m teachers.small_pipeline`."""

from teachers.small_pipeline.command import main

if __name__ == "__main__":
    main()
