"""Make recorded decisions again, in the code that made them or in another release's."""
