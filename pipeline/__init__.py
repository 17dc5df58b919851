"""Between the stages: recipes, artifacts and the order of the work. Nothing imports this package."""
