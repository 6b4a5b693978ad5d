"""What is in a folder of pictures: found by opening every file, written as one page and one JSON.

    walk → layout → survey (looks in child processes) → near → summary → view, clean

The package itself imports nothing: the child processes load :mod:`.look` and little else.
"""
