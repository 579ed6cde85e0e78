"""Stage 4, judge: policies and facts in, verdicts and findings out. Everything here is a pure function of its input."""
