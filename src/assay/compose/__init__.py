"""The only place that picks parts and plugs them together."""
