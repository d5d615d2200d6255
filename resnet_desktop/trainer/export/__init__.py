"""From a trained network to a bundle that is proven to answer as the network does."""
