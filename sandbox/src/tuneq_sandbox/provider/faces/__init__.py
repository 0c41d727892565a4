"""How the provider looks in each dialect: other routes and words over the same engine."""
