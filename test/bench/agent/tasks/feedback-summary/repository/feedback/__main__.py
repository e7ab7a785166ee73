import sys

from .summary import summarize

with open(sys.argv[1], encoding="utf-8") as file:
    summary = summarize(file)
print(f"comments: {summary.comments}\nratings:  {len(summary.ratings)}\nmean:     {summary.mean}")
