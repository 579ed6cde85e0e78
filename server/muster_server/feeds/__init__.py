"""Knowledge that comes from outside and is laid over the facts: what is still supported, later what is vulnerable."""
