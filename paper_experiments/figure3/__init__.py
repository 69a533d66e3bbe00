"""Figure 3: what is measured, and what it says of the paper's findings."""
