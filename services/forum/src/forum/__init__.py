"""Plaza's forum: posts, replies and what people do with them."""
