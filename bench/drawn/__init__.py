"""The drawn set: captioned pictures of shapes, made by a program, and an exact judge of what a picture shows.

`scenes` says what can be drawn and which captions are held out, `pictures` draws, `folder` writes a set, `judge` reads
pictures, `figures` counts what was read rightly, and `study` trains a set of modules on it by the command that a user
would give, and judges what they draw.
"""
