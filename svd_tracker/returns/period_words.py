"""What a return is called, for the returns' own pages; workbooks take it from the arithmetic's side."""

from svd_tracker.calculations.period_words import obligation_words as obligation_words
