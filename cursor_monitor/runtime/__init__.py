"""Process mechanics: starting, watching and ending the parts of the product."""
