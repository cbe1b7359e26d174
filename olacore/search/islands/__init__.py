"""Islands: searches of one module that run apart, each with its own seed and run folder, and exchange what is good."""
