"""What every figure has to be, counted anew from turns, sessions and bookmarks by its definition.

Nothing of the app is used here: not its models, its rules, or its sums. Documents go in as they are stored, and for
each document and answer that tells figures the fields come out that it must have. How a question's text reads (its
language, its complexity, whether it advertises) is no figure: it is taken as the app says.
"""
