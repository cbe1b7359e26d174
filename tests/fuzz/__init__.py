"""A long fuzzer: it mangles every kind of file that olacore reads, and runs the commands on what comes out.

`python -m tests.fuzz --minutes 30 --keep FOUND` counts tracebacks, hangs, crashes, bombs and unclear messages, lists
the places where they come from, and keeps an example of each; `--replay FOUND/PLACE/CASE.json` runs one again.

`kinds` says which files there are and which commands read them, `seeds` makes sound ones, `damage/` mangles them,
`worker` runs a case in a process that may die of it, and `pool` deals the cases out and counts.
"""
