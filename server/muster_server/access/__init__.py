"""Who may read what the server knows, and who may act on it. PCs are not among them: their keys open one door only."""
