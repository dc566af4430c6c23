"""What `testing` is made of: rules, and the checks of each kind of part."""
