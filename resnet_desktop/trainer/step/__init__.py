"""One step of training, and how many pictures of it fit into memory."""
