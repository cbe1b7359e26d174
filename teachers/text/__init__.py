"""Text encoders as teachers: what they say of captions, one embedding each, and the embeddings of their tokens."""
