"""Files that people write (policies, their cases, end-of-support dates, settings): read as nodes that know their place,
so that every mistake is shown where it stands."""
