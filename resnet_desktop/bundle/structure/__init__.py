"""What a graph says of itself: shapes, axes, layout, residual blocks, where its logits are."""
