"""Pictures, labels, codes and code books: what people and other programs give us, read and checked."""
