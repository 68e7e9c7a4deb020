"""The catalogue of components: what each kind is by default, where that figure is from, and what it becomes."""
